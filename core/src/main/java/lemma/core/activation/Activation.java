package lemma.core.activation;

import lemma.core.tensor.Tensor;

/// An activation: a function of each element by itself, with its derivative.
///
/// | variant | y | models |
/// |---|---|---|
/// | [Relu] | max(x, 0) | the first transformer, T5, OPT |
/// | [SquaredRelu] | max(x, 0)² | Primer, Nemotron-4 |
/// | [LeakyRelu] | x, or slope·x to the left | GANs |
/// | [Elu], [Selu] | x, or α·(eˣ − 1) to the left | |
/// | [Gelu], [GeluTanh] | x·Φ(x) | BERT; GPT-2 and GPT-3, Gemma |
/// | [Swish] | x·σ(βx) | Llama, Mistral, Qwen (β = 1), CLIP (β = 1.702) |
/// | [HardSwish], [Mish] | close to Swish | mobile networks, YOLOv4 |
/// | [Sigmoid], [Tanh], [Softplus] | the classics | gates |
/// | [Identity] | x | bilinear gates |
///
/// Where a derivative jumps, it is what PyTorch takes there: that of the left side, and for
/// [HardSwish] that of the piece in the middle.
///
/// Answers: `activation/relu.md`, `activation/leaky-relu.md`, `activation/elu.md`,
/// `activation/gelu.md`, `activation/swish.md`.
public sealed interface Activation {

  /// The value of every element; gradients flow through.
  Tensor apply(Tensor x);

  /// The derivative at every element.
  default Tensor derivative(Tensor x) {
    Tensor at = x.parameter();
    return apply(at).backward(Tensor.ones(x.shape())).of(at);
  }

  /// `y = max(x, 0)`. Nair & Hinton 2010.
  record Relu() implements Activation {
    @Override
    public Tensor apply(Tensor x) {
      return x.relu();
    }
  }

  /// `y = max(x, 0)²`. So et al. 2021, arXiv:2109.08668.
  record SquaredRelu() implements Activation {
    @Override
    public Tensor apply(Tensor x) {
      return x.relu().square();
    }
  }

  /// `y = x` for x > 0, `slope·x` otherwise. Maas et al. 2013, eq. 2.
  record LeakyRelu(double slope) implements Activation {

    /// @throws IllegalArgumentException if `slope` is not finite
    public LeakyRelu {
      requireFinite("slope", slope);
    }

    @Override
    public Tensor apply(Tensor x) {
      return x.map(v -> v > 0 ? v : slope * v, v -> v > 0 ? 1 : slope);
    }
  }

  /// `y = x` for x > 0, `alpha·(eˣ − 1)` otherwise. Clevert et al. 2016, eq. 15, arXiv:1511.07289.
  record Elu(double alpha) implements Activation {

    /// @throws IllegalArgumentException if `alpha` is not finite
    public Elu {
      requireFinite("alpha", alpha);
    }

    @Override
    public Tensor apply(Tensor x) {
      return x.map(v -> v > 0 ? v : alpha * Math.expm1(v), v -> v > 0 ? 1 : alpha * Math.exp(v));
    }
  }

  /// `y = λ·ELU(x)`, with λ and α such that mean 0 and variance 1 are a fixed point of a layer.
  /// Klambauer et al. 2017, eq. 2 and 14, arXiv:1706.02515.
  record Selu() implements Activation {
    private static final double ALPHA = 1.6732632423543772;
    private static final double LAMBDA = 1.0507009873554805;

    @Override
    public Tensor apply(Tensor x) {
      return new Elu(ALPHA).apply(x).mul(LAMBDA);
    }
  }

  /// `y = x·Φ(x)` with the normal distribution Φ(x) = (1 + erf(x/√2))/2: the exact form. Hendrycks
  /// & Gimpel 2016, section 2, arXiv:1606.08415.
  record Gelu() implements Activation {
    @Override
    public Tensor apply(Tensor x) {
      return x.gelu();
    }
  }

  /// `y = x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))`: the approximation of the same paper, `gelu_new`
  /// of GPT-2.
  record GeluTanh() implements Activation {
    @Override
    public Tensor apply(Tensor x) {
      return x.geluTanh();
    }
  }

  /// `y = x·σ(βx)`; SiLU with β = 1, the "quick" GELU with β = 1.702. Ramachandran et al. 2017,
  /// section 4, arXiv:1710.05941.
  record Swish(double beta) implements Activation {
    public static final Swish SILU = new Swish(1);
    public static final Swish QUICK_GELU = new Swish(1.702);

    /// @throws IllegalArgumentException if `beta` is not finite
    public Swish {
      requireFinite("beta", beta);
    }

    @Override
    public Tensor apply(Tensor x) {
      return x.mul(x.mul(beta).sigmoid());
    }
  }

  /// `y = x·min(max(x + 3, 0), 6)/6`: Swish of straight pieces. Howard et al. 2019, eq. 2,
  /// arXiv:1905.02244.
  record HardSwish() implements Activation {
    @Override
    public Tensor apply(Tensor x) {
      return x.map(
          v -> v * Math.clamp(v + 3, 0, 6) / 6, v -> v < -3 ? 0 : v <= 3 ? v / 3 + 0.5 : 1);
    }
  }

  /// `y = x·tanh(ln(1 + eˣ))`. Misra 2019, arXiv:1908.08681.
  record Mish() implements Activation {
    @Override
    public Tensor apply(Tensor x) {
      return x.mul(x.softplus().tanh());
    }
  }

  /// `y = 1/(1 + e⁻ˣ)`.
  record Sigmoid() implements Activation {
    @Override
    public Tensor apply(Tensor x) {
      return x.sigmoid();
    }
  }

  /// `y = tanh x`.
  record Tanh() implements Activation {
    @Override
    public Tensor apply(Tensor x) {
      return x.tanh();
    }
  }

  /// `y = ln(1 + eˣ)`, without overflow: ReLU with its corner rounded, and the integral of the
  /// sigmoid.
  record Softplus() implements Activation {
    @Override
    public Tensor apply(Tensor x) {
      return x.softplus();
    }
  }

  /// `y = x`.
  record Identity() implements Activation {
    @Override
    public Tensor apply(Tensor x) {
      return x;
    }
  }

  private static void requireFinite(String name, double value) {
    if (!Double.isFinite(value))
      throw new IllegalArgumentException(name + " must be finite, was " + value);
  }
}
