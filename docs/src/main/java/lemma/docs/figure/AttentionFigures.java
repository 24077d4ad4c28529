package lemma.docs.figure;

import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.tensor.SingularValues;
import lemma.core.tensor.Tensor;

/// Figures of what attention matrices are.
final class AttentionFigures {
  private static final int TOKENS = 64;
  private static final int HEAD_DIM = 8;

  private AttentionFigures() {}

  /// Singular values of the scores and of both attention matrices of a random head.
  static Figure singularValues() {
    RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
    Tensor q = Tensor.gaussian(random, TOKENS, HEAD_DIM);
    Tensor k = Tensor.gaussian(random, TOKENS, HEAD_DIM);
    return new Figure.Chart(
        "Singular values, relative to the largest, of a random head of width 8 over 64 tokens. The"
            + " scores end after 8. Softmax lifts the rank of both matrices to 64: that of the causal"
            + " one by necessity, though its last values are tiny, that of the bidirectional one as a"
            + " rule without a guarantee.",
        Charts.lines(
            Charts.Axis.linear("index"),
            Charts.Axis.log("singular value"),
            List.of(
                line("scores", q.matmulTransposed(k)),
                line("bidirectional", weights(q, k, new AttentionMask.Bidirectional())),
                line("causal", weights(q, k, new AttentionMask.Causal())))),
        340);
  }

  private static Tensor weights(Tensor q, Tensor k, AttentionMask mask) {
    return ScaledDotProduct.of(HEAD_DIM).apply(q, k, k, mask).weights();
  }

  private static Charts.Line line(String name, Tensor matrix) {
    double[] s = SingularValues.of(matrix).s();
    double[] index = IntStream.rangeClosed(1, s.length).mapToDouble(i -> i).toArray();
    double[] relative = new double[s.length]; // rounding is drawn as a gap
    for (int i = 0; i < s.length; i++) relative[i] = s[i] > 1e-14 * s[0] ? s[i] / s[0] : Double.NaN;
    return new Charts.Line(name, index, relative);
  }
}
