package lemma.core.training;

import java.util.LinkedHashMap;
import java.util.Map;
import lemma.core.tensor.Tensor;

/// A running average of the parameters, which is smoother than the last of them and is what samples.
///
/// ```
/// shadow ← d·shadow + (1 − d)·θ
/// ```
///
/// A constant d close to 1 remembers the random start for about 1/(1 − d) steps; the other decays
/// begin at 0 and grow, so that the start is forgotten.
///
/// Answer: `training/optimisation.md`.
public sealed interface ExponentialMovingAverage {

  /// The decay d of the `step`-th update, counted from one.
  double decay(long step);

  /// The next average. The parameters before training are the first one.
  ///
  /// @param step the number of this update, counted from one
  default Map<String, Tensor> update(
      Map<String, Tensor> average, Map<String, Tensor> parameters, long step) {
    double d = decay(step);
    Map<String, Tensor> updated = new LinkedHashMap<>();
    parameters.forEach((name, parameter) -> {
      double[] shadow = Named.like(parameter, average, name, "average").toArray();
      double[] theta = parameter.data();
      for (int i = 0; i < shadow.length; i++) shadow[i] = d * shadow[i] + (1 - d) * theta[i];
      updated.put(name, Tensor.ofShared(shadow, parameter.shape()));
    });
    return updated;
  }

  /// No average: the shadow is the parameters.
  static ExponentialMovingAverage none() {
    return new Constant(0);
  }

  /// The same d at every step.
  record Constant(double decay) implements ExponentialMovingAverage {

    /// @throws IllegalArgumentException if `decay` is outside [0, 1)
    public Constant {
      share("decay", decay);
    }

    @Override
    public double decay(long step) {
      return decay;
    }
  }

  /// (1 + s)/(10 + s) up to `decay`, with s = step − delay − 1; 0 while s ≤ 0. The default of
  /// diffusers and of TensorFlow's `num_updates`.
  ///
  /// @param floor the smallest decay once s > 0
  record Ramp(double decay, double floor, long delay) implements ExponentialMovingAverage {

    /// @throws IllegalArgumentException if a decay is outside [0, 1] or the delay is negative
    public Ramp {
      check(decay, floor, delay);
    }

    /// From the first update on.
    public Ramp(double decay) {
      this(decay, 0, 0);
    }

    @Override
    public double decay(long step) {
      long s = step - delay - 1;
      return s <= 0 ? 0 : Math.max(floor, Math.min(decay, (1.0 + s) / (10.0 + s)));
    }
  }

  /// 1 − (1 + s/inverseGamma)^(−power) up to `decay`, with s = step − delay − 1; 0 while s ≤ 0:
  /// diffusers' `use_ema_warmup`. Power 2/3 reaches 0.999 after 31 600 updates, 3/4 after 10 000.
  ///
  /// @param floor the smallest decay once s > 0
  record PowerRamp(double decay, double floor, long delay, double inverseGamma, double power)
      implements ExponentialMovingAverage {

    /// @throws IllegalArgumentException if a decay is outside [0, 1], the delay is negative, or the
    ///     shape is not positive
    public PowerRamp {
      check(decay, floor, delay);
      if (!(inverseGamma > 0 && power > 0))
        throw new IllegalArgumentException(
            "inverseGamma and power must be positive, were " + inverseGamma + " and " + power);
    }

    @Override
    public double decay(long step) {
      long s = step - delay - 1;
      double ramp = 1 - Math.pow(1 + s / inverseGamma, -power);
      return s <= 0 ? 0 : Math.max(floor, Math.min(decay, ramp));
    }
  }

  private static void check(double decay, double floor, long delay) {
    share("decay", decay);
    share("floor", floor);
    if (delay < 0) throw new IllegalArgumentException("delay must be 0 or more, was " + delay);
  }

  private static void share(String name, double value) {
    if (!(value >= 0 && value <= 1))
      throw new IllegalArgumentException(name + " must be in [0, 1], was " + value);
  }
}
