package lemma.diffusion.schedule;

/// How much the squared error at a timestep counts in training, as a function of its SNR.
///
/// An error in ε and the same error in x₀ differ by the SNR, and v stands between:
/// `‖ε − ε̂‖² = SNR·‖x₀ − x̂₀‖²` and `‖v − v̂‖² = (SNR + 1)·‖x₀ − x̂₀‖²`. A weight for one prediction
/// is therefore a weight for all.
public sealed interface LossWeight {

  /// Beyond this the sd-scripts weights treat an image as clean.
  double LARGEST_SNR = 1000;

  /// The factor on the squared error of the network's output.
  ///
  /// @throws IllegalArgumentException if the weight is not defined for the prediction
  double at(double snr, Prediction prediction);

  /// Every timestep counts the same for the predicted quantity: the simple loss of DDPM.
  record Uniform() implements LossWeight {
    @Override
    public double at(double snr, Prediction prediction) {
      return 1;
    }
  }

  /// min(SNR, γ) on the error of x₀, so that nearly clean timesteps do not drown the others.
  ///
  /// Hang et al. 2023, arXiv:2303.09556; γ = 5.
  record MinSnr(double gamma) implements LossWeight {
    public MinSnr {
      if (!(gamma > 0)) throw new IllegalArgumentException("gamma must be positive, was " + gamma);
    }

    @Override
    public double at(double snr, Prediction prediction) {
      return Math.min(snr, gamma)
          / switch (prediction) {
            case EPSILON -> snr;
            case SAMPLE -> 1;
            case VELOCITY -> snr + 1;
          };
    }
  }

  /// SNR / (SNR + 1): makes a v-loss weigh timesteps as the simple ε-loss does.
  record VelocityAsEpsilon() implements LossWeight {
    @Override
    public double at(double snr, Prediction prediction) {
      if (prediction != Prediction.VELOCITY)
        throw new IllegalArgumentException("this weight is for VELOCITY, was " + prediction);
      double capped = Math.min(snr, LARGEST_SNR);
      return capped / (capped + 1);
    }
  }

  /// 1/√SNR for ε and 1/(SNR + 1) for v: more weight on noisy timesteps.
  record Debiased() implements LossWeight {
    @Override
    public double at(double snr, Prediction prediction) {
      double capped = Math.min(snr, LARGEST_SNR);
      return switch (prediction) {
        case EPSILON -> 1 / Math.sqrt(capped);
        case VELOCITY -> 1 / (capped + 1);
        case SAMPLE ->
            throw new IllegalArgumentException("debiased weight is for EPSILON and VELOCITY");
      };
    }
  }
}
