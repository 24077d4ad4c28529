package lemma.core.position;

import java.util.Arrays;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/// How [Rope]'s frequencies are changed so that positions beyond the trained length turn no pair
/// further than it was seen to turn in training.
///
/// ```
/// θᵢ = base^(−2i/d)      wavelength λᵢ = 2π/θᵢ      d = rotaryDim, i < d/2
/// ```
///
/// | scaling | frequency of pair i |
/// |---|---|
/// | [None] | θᵢ |
/// | [Linear] | θᵢ / factor: position interpolation |
/// | [Ntk] | base · factor^(d/(d−2)): fast pairs stay, the slowest is divided by factor |
/// | [DynamicNtk] | the same with a factor that follows the length in use |
/// | [Yarn] | fast pairs stay, slow ones are divided, a ramp between, and sharper scores |
/// | [Llama3] | the same idea with a ramp in 1/λ |
/// | [LongRope] | θᵢ / a searched factor of each pair |
///
/// Answer: `position/length-extrapolation.md`.
public sealed interface RopeScaling {

  /// The frequencies of the `rotaryDim/2` pairs, radians for one step of position.
  ///
  /// @throws IllegalArgumentException if the scaling cannot serve that many pairs
  double[] frequencies(int rotaryDim, double base);

  /// What cos and sin are multiplied by, so that scores grow by its square.
  default double attentionFactor() {
    return 1;
  }

  /// base^(−2i/rotaryDim) for i < rotaryDim/2.
  static double[] unscaled(int rotaryDim, double base) {
    return IntStream.range(0, rotaryDim / 2)
        .mapToDouble(i -> Math.pow(base, -2.0 * i / rotaryDim))
        .toArray();
  }

  private static void atLeastOne(String name, double value) {
    if (!(value >= 1) || Double.isInfinite(value))
      throw new IllegalArgumentException(name + " must be 1 or more, was " + value);
  }

  private static void positive(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value))
      throw new IllegalArgumentException(name + " must be positive, was " + value);
  }

  /// The frequencies as trained.
  record None() implements RopeScaling {
    @Override
    public double[] frequencies(int rotaryDim, double base) {
      return unscaled(rotaryDim, base);
    }
  }

  /// Position interpolation: every position is divided by `factor`.
  ///
  /// Chen et al. 2023, eq. 4, arXiv:2306.15595.
  record Linear(double factor) implements RopeScaling {
    /// @throws IllegalArgumentException if `factor` is below 1
    public Linear {
      atLeastOne("factor", factor);
    }

    @Override
    public double[] frequencies(int rotaryDim, double base) {
      return Arrays.stream(unscaled(rotaryDim, base)).map(theta -> theta / factor).toArray();
    }
  }

  /// NTK-aware: a larger base, such that the slowest pair is divided by `factor` and the fastest
  /// not at all. Peng et al. 2023 (YaRN), section 3.1, arXiv:2309.00071.
  record Ntk(double factor) implements RopeScaling {
    /// @throws IllegalArgumentException if `factor` is below 1
    public Ntk {
      atLeastOne("factor", factor);
    }

    @Override
    public double[] frequencies(int rotaryDim, double base) {
      if (rotaryDim < 4)
        throw new IllegalArgumentException("rotaryDim must be 4 or more, was " + rotaryDim);
      return unscaled(rotaryDim, base * Math.pow(factor, rotaryDim / (rotaryDim - 2.0)));
    }
  }

  /// [Ntk] whose factor is 1 up to `trainedLength` and grows with the `length` in use:
  /// `factor·length/trainedLength − (factor − 1)`.
  ///
  /// The frequencies change as the text grows, and with them every key that is cached already.
  record DynamicNtk(double factor, int trainedLength, int length) implements RopeScaling {
    /// @throws IllegalArgumentException if `factor` is below 1 or a length is not positive
    public DynamicNtk {
      atLeastOne("factor", factor);
      positive("trainedLength", trainedLength);
      positive("length", length);
    }

    @Override
    public double[] frequencies(int rotaryDim, double base) {
      double stretch = (double) Math.max(length, trainedLength) / trainedLength;
      return new Ntk(factor * stretch - (factor - 1)).frequencies(rotaryDim, base);
    }
  }

  /// Pairs that turn more than `betaFast` times within `trainedLength` stay, those that turn less
  /// than `betaSlow` times are divided by `factor`, and a linear ramp over the index leads from one
  /// to the other. cos and sin are multiplied by `attentionFactor`, usually 0.1·ln factor + 1.
  ///
  /// Peng et al. 2023, section 3.2 to 3.4, arXiv:2309.00071.
  record Yarn(
      double factor, int trainedLength, double betaFast, double betaSlow, double attentionFactor)
      implements RopeScaling {

    /// @throws IllegalArgumentException if `factor` is below 1, another number is not positive or
    ///     `betaFast` is below `betaSlow`
    public Yarn {
      atLeastOne("factor", factor);
      positive("trainedLength", trainedLength);
      positive("betaSlow", betaSlow);
      positive("attentionFactor", attentionFactor);
      if (!(betaFast >= betaSlow) || Double.isInfinite(betaFast))
        throw new IllegalArgumentException(
            "betaFast must be betaSlow %s or more, was %s".formatted(betaSlow, betaFast));
    }

    /// As published: 32 and 1 turns, attention factor 0.1·ln factor + 1.
    public static Yarn of(double factor, int trainedLength) {
      return new Yarn(factor, trainedLength, 32, 1, defaultAttentionFactor(factor));
    }

    public static double defaultAttentionFactor(double factor) {
      return 0.1 * Math.log(factor) + 1;
    }

    @Override
    public double[] frequencies(int rotaryDim, double base) {
      double[] frequencies = unscaled(rotaryDim, base);
      double low = Math.max(Math.floor(index(betaFast, rotaryDim, base)), 0);
      double high = Math.min(Math.ceil(index(betaSlow, rotaryDim, base)), rotaryDim - 1);
      if (low == high) high += 0.001; // a step instead of 0/0
      for (int i = 0; i < frequencies.length; i++) {
        double divided = Math.clamp((i - low) / (high - low), 0, 1);
        frequencies[i] *= divided / factor + (1 - divided);
      }
      return frequencies;
    }

    /// The index, not rounded, of the pair that turns so many times within the trained length.
    private double index(double turns, int rotaryDim, double base) {
      return rotaryDim * Math.log(trainedLength / (turns * 2 * Math.PI)) / (2 * Math.log(base));
    }
  }

  /// Wavelengths above `trainedLength/lowFrequencyFactor` are divided by `factor`, those below
  /// `trainedLength/highFrequencyFactor` stay, and the ramp between is linear in 1/λ.
  ///
  /// Grattafiori et al. 2024 (Llama 3), section 3.4.2, arXiv:2407.21783; the rule is that of the
  /// published code of Llama 3.1.
  record Llama3(
      double factor, double lowFrequencyFactor, double highFrequencyFactor, int trainedLength)
      implements RopeScaling {

    /// @throws IllegalArgumentException if `factor` is below 1, a number is not positive or
    ///     `highFrequencyFactor` is not above `lowFrequencyFactor`
    public Llama3 {
      atLeastOne("factor", factor);
      positive("lowFrequencyFactor", lowFrequencyFactor);
      positive("trainedLength", trainedLength);
      if (!(highFrequencyFactor > lowFrequencyFactor) || Double.isInfinite(highFrequencyFactor))
        throw new IllegalArgumentException(
            "highFrequencyFactor must be above lowFrequencyFactor %s, was %s"
                .formatted(lowFrequencyFactor, highFrequencyFactor));
    }

    /// As in Llama 3.1: 8 times the 8192 tokens of training.
    public static Llama3 published() {
      return new Llama3(8, 1, 4, 8192);
    }

    @Override
    public double[] frequencies(int rotaryDim, double base) {
      return Arrays.stream(unscaled(rotaryDim, base))
          .map(theta -> {
            double turns = trainedLength * theta / (2 * Math.PI); // within the trained length
            double kept = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
            return theta * (1 / factor + Math.clamp(kept, 0, 1) * (1 - 1 / factor));
          })
          .toArray();
    }
  }

  /// A factor of its own for each pair, found by search: `longFactors` where the model was extended
  /// (`factor` above 1), `shortFactors` where not. The attention factor, unless given, is
  /// √(1 + ln factor / ln trainedLength).
  ///
  /// Ding et al. 2024, arXiv:2402.13753; used by Phi-3.
  record LongRope(
      double factor,
      int trainedLength,
      double[] shortFactors,
      double[] longFactors,
      OptionalDouble givenAttentionFactor)
      implements RopeScaling {

    /// Copies the arrays.
    ///
    /// @throws IllegalArgumentException if a number is not positive or `trainedLength` is below 2
    public LongRope {
      positive("factor", factor);
      if (trainedLength < 2)
        throw new IllegalArgumentException("trainedLength must be 2 or more, was " + trainedLength);
      shortFactors = shortFactors.clone();
      longFactors = longFactors.clone();
      for (double each : shortFactors) positive("shortFactors", each);
      for (double each : longFactors) positive("longFactors", each);
      givenAttentionFactor.ifPresent(given -> positive("givenAttentionFactor", given));
    }

    @Override
    public double[] shortFactors() {
      return shortFactors.clone();
    }

    @Override
    public double[] longFactors() {
      return longFactors.clone();
    }

    @Override
    public double[] frequencies(int rotaryDim, double base) {
      double[] frequencies = unscaled(rotaryDim, base);
      double[] factors = factor > 1 ? longFactors : shortFactors;
      if (factors.length != frequencies.length)
        throw new IllegalArgumentException(
            "%s must be one for each of %d pairs, were %d"
                .formatted(
                    factor > 1 ? "longFactors" : "shortFactors",
                    frequencies.length,
                    factors.length));
      for (int i = 0; i < factors.length; i++) frequencies[i] /= factors[i];
      return frequencies;
    }

    @Override
    public double attentionFactor() {
      double published = Math.sqrt(1 + Math.log(Math.max(factor, 1)) / Math.log(trainedLength));
      return givenAttentionFactor.orElse(published);
    }
  }
}
