package lemma.core.quantization;

import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;

/// A linear layer in int8 that keeps the few columns with outliers in floating point.
///
/// ```
/// O = { j : |xₜⱼ| ≥ threshold for some token t }
/// y = Σ_{j ∉ O} x̂ⱼ·ŵⱼ · sₓ·s_w  +  Σ_{j ∈ O} xⱼ · (s_w·ŵⱼ)
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `x` | `[tokens, in]` | activations; x̂ is their int8 form without the columns O, a scale each row |
/// | `W` | `[out, in]` | weights; ŵ is their int8 form, a scale each row |
/// | `y` | `[tokens, out]` | |
///
/// Activations of large transformers have outliers in a few columns, the same for all tokens. They
/// would set the scale of every row and leave a few levels to all other values.
///
/// Dettmers et al. 2022, section 3 and eq. 8, arXiv:2208.07339. Answer: `quantization/int8.md`.
public record LlmInt8(Int8 weight, double threshold) {

  /// The threshold of the paper.
  public static final double THRESHOLD = 6;

  /// @throws IllegalArgumentException if the weight is not a matrix with a scale each row, or
  ///     `threshold` is not above 0
  public LlmInt8 {
    if (weight.shape().length != 2 || weight.scales().length != weight.shape()[0])
      throw new IllegalArgumentException("weight must be a matrix with a scale for each row");
    if (!(threshold > 0))
      throw new IllegalArgumentException("threshold must be above 0, was " + threshold);
  }

  /// Quantises a weight `[out, in]`.
  public static LlmInt8 of(Tensor weight, double threshold) {
    return new LlmInt8(Int8.absmaxRows(weight), threshold);
  }

  /// The columns of `x` that hold a value of at least `threshold`.
  public int[] outlierColumns(Tensor x) {
    checkInput(x);
    double[] data = x.data();
    int columns = x.size(1);
    return IntStream.range(0, columns)
        .filter(j ->
            IntStream.range(0, x.size(0))
                .anyMatch(t -> Math.abs(data[t * columns + j]) >= threshold))
        .toArray();
  }

  /// The int8 form of `x`, zero in the columns of outliers.
  public Int8 quantiseInput(Tensor x) {
    double[] data = x.toArray();
    int columns = x.size(1);
    for (int j : outlierColumns(x)) for (int t = 0; t < x.size(0); t++) data[t * columns + j] = 0;
    return Int8.absmaxRows(Tensor.ofShared(data, x.shape()));
  }

  /// The layer: integers multiplied as integers, outliers with the weights decoded for them.
  public Tensor apply(Tensor x) {
    Int8 input = quantiseInput(x);
    int[] outliers = outlierColumns(x);
    int tokens = x.size(0);
    int in = x.size(1);
    int out = weight.shape()[0];
    double[] y = new double[tokens * out];
    for (int t = 0; t < tokens; t++)
      for (int o = 0; o < out; o++) {
        int sum = 0; // |sum| ≤ 127²·in: in up to 133,152 columns
        for (int j = 0; j < in; j++)
          sum += input.values()[t * in + j] * weight.values()[o * in + j];
        double exact = 0;
        for (int j : outliers) exact += x.data()[t * in + j] * weight.values()[o * in + j];
        y[t * out + o] = (sum * input.scales()[t] + exact) * weight.scales()[o];
      }
    return Tensor.ofShared(y, tokens, out);
  }

  private void checkInput(Tensor x) {
    if (x.rank() != 2 || x.size(1) != weight.shape()[1])
      throw new IllegalArgumentException(
          "x must have shape [tokens, %d], was %s".formatted(weight.shape()[1], x));
  }
}
