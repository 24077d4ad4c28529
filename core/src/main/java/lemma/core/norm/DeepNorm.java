package lemma.core.norm;

import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;

/// DeepNorm: the two numbers with which a post-norm transformer can be a thousand layers deep.
///
/// ```
/// y = LayerNorm(α·x + f(x))            W = β·Xavier for feed-forward, value and output projections
/// ```
///
/// | stack, N and M layers | α | β |
/// |---|---|---|
/// | encoder only | (2N)^¼ | (8N)^−¼ |
/// | decoder only | (2M)^¼ | (8M)^−¼ |
/// | encoder of both | 0.81·(N⁴M)^(1/16) | 0.87·(N⁴M)^(−1/16) |
/// | decoder of both | (3M)^¼ | (12M)^−¼ |
///
/// Query and key projections start at gain 1: they only decide where attention looks, not how much
/// it adds.
///
/// Wang et al. 2022, figure 2, arXiv:2203.00555. Answer: `norm/deep-norm.md`.
///
/// @param alpha multiplies the residual
/// @param beta multiplies the initial weights
public record DeepNorm(double alpha, double beta) {

  /// @throws IllegalArgumentException if a number is not positive and finite
  public DeepNorm {
    requirePositive("alpha", alpha);
    requirePositive("beta", beta);
  }

  /// For each layer of an encoder without a decoder: BERT.
  public static DeepNorm encoderOnly(int layers) {
    requireLayers("layers", layers);
    return new DeepNorm(Math.pow(2.0 * layers, 0.25), Math.pow(8.0 * layers, -0.25));
  }

  /// For each layer of a decoder without an encoder: GPT.
  public static DeepNorm decoderOnly(int layers) {
    return encoderOnly(layers);
  }

  /// For each layer of the encoder where a decoder follows.
  public static DeepNorm encoder(int encoderLayers, int decoderLayers) {
    requireLayers("encoderLayers", encoderLayers);
    requireLayers("decoderLayers", decoderLayers);
    double depth = Math.pow(encoderLayers, 4) * decoderLayers;
    return new DeepNorm(0.81 * Math.pow(depth, 1 / 16.0), 0.87 * Math.pow(depth, -1 / 16.0));
  }

  /// For each layer of a decoder behind an encoder, whose depth does not matter. It has three
  /// sublayers a layer where the others have two.
  public static DeepNorm decoder(int decoderLayers) {
    requireLayers("decoderLayers", decoderLayers);
    return new DeepNorm(Math.pow(3.0 * decoderLayers, 0.25), Math.pow(12.0 * decoderLayers, -0.25));
  }

  /// The residual block with this α.
  public NormPlacement around(UnaryOperator<Tensor> norm) {
    return new NormPlacement.Deep(norm, alpha);
  }

  /// A matrix `[out, in]` to begin with: N(0, β²·2/(in + out)).
  ///
  /// @throws IllegalArgumentException if a size is not positive
  public Tensor initial(int out, int in, RandomGenerator random) {
    if (out < 1 || in < 1)
      throw new IllegalArgumentException(
          "out and in must be positive, were %d and %d".formatted(out, in));
    double deviation = beta * Math.sqrt(2.0 / (out + in));
    return Tensor.gaussian(random, out, in).mul(deviation);
  }

  private static void requireLayers(String name, int layers) {
    if (layers < 1) throw new IllegalArgumentException(name + " must be positive, was " + layers);
  }

  private static void requirePositive(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value))
      throw new IllegalArgumentException(name + " must be positive and finite, was " + value);
  }
}
