package lemma.diffusion.schedule;

import lemma.core.tensor.Tensor;

/// What the network was trained to predict; each says as much as the others.
///
/// ```
/// x = a·x₀ + s·ε        v = a·ε − s·x₀        a = √ᾱ,  s = √(1 − ᾱ)
/// ```
///
/// | network gives | x₀ | ε |
/// |---|---|---|
/// | [#EPSILON] | (x − s·ε) / a | ε |
/// | [#SAMPLE] | x₀ | (x − a·x₀) / s |
/// | [#VELOCITY] | a·x − s·v | a·v + s·x |
///
/// The divisions are the catch: ε says nothing about x₀ where ᾱ = 0, x₀ nothing about ε where
/// ᾱ = 1. v, a rotation of the pair, is good everywhere.
///
/// Ho et al. 2020, arXiv:2006.11239; Salimans & Ho 2022, section 4, arXiv:2202.00512.
public enum Prediction {
  /// The noise ε.
  EPSILON {
    @Override
    public Tensor x0(Tensor output, Tensor x, NoiseLevel level) {
      check(output, x);
      checkDivisor(level.signal(), "x0 cannot be told from epsilon where alphaBar is 0");
      return x.sub(level.noise().mul(output)).div(level.signal());
    }

    @Override
    public Tensor epsilon(Tensor output, Tensor x, NoiseLevel level) {
      check(output, x);
      return output;
    }

    @Override
    public Tensor of(Tensor x0, Tensor epsilon, NoiseLevel level) {
      return epsilon;
    }
  },

  /// The clean image x₀.
  SAMPLE {
    @Override
    public Tensor x0(Tensor output, Tensor x, NoiseLevel level) {
      check(output, x);
      return output;
    }

    @Override
    public Tensor epsilon(Tensor output, Tensor x, NoiseLevel level) {
      check(output, x);
      checkDivisor(level.noise(), "epsilon cannot be told from x0 where alphaBar is 1");
      return x.sub(level.signal().mul(output)).div(level.noise());
    }

    @Override
    public Tensor of(Tensor x0, Tensor epsilon, NoiseLevel level) {
      return x0;
    }
  },

  /// The velocity v.
  VELOCITY {
    @Override
    public Tensor x0(Tensor output, Tensor x, NoiseLevel level) {
      check(output, x);
      return level.signal().mul(x).sub(level.noise().mul(output));
    }

    @Override
    public Tensor epsilon(Tensor output, Tensor x, NoiseLevel level) {
      check(output, x);
      return level.signal().mul(output).add(level.noise().mul(x));
    }

    @Override
    public Tensor of(Tensor x0, Tensor epsilon, NoiseLevel level) {
      return level.signal().mul(epsilon).sub(level.noise().mul(x0));
    }
  };

  /// The clean image that the network's output stands for.
  ///
  /// @throws IllegalArgumentException if the shapes differ or the output does not determine x₀
  public abstract Tensor x0(Tensor output, Tensor x, NoiseLevel level);

  /// The noise that the network's output stands for.
  ///
  /// @throws IllegalArgumentException if the shapes differ or the output does not determine ε
  public abstract Tensor epsilon(Tensor output, Tensor x, NoiseLevel level);

  /// The output that stands for this pair: the target of training.
  public abstract Tensor of(Tensor x0, Tensor epsilon, NoiseLevel level);

  private static void check(Tensor output, Tensor x) {
    NoiseLevel.checkShapes("model output", output, "x", x);
  }

  private static void checkDivisor(Tensor divisor, String message) {
    for (double value : divisor.data()) if (value == 0) throw new IllegalArgumentException(message);
  }
}
