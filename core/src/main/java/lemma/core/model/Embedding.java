package lemma.core.model;

import static lemma.core.tensor.Tensor.LAST;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// An embedding table: a row for each token, read on the way in and, if it is tied, on the way out.
///
/// ```
/// x[t]      = E[token t]                    a one-hot row times E
/// logits[t] = E·h[t]                        tied: the head is the same matrix
/// ∂L/∂E     = Σₜ onehot(token t)·δx[t]ᵀ  +  Σₜ δlogits[t]·h[t]ᵀ
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `E` | `[vocabularySize, hiddenSize]` | `table` |
/// | `x`, `h` | `[…, hiddenSize]` | into the first block, out of the last norm |
/// | `δ` | | the loss's gradient with respect to `x` and to the logits |
///
/// The look-up gives a gradient to the rows of the tokens that were read, the head to every row.
///
/// Press & Wolf 2017, arXiv:1608.05859; Inan et al. 2017, arXiv:1611.01462. Answer:
/// `model/embedding.md`.
public record Embedding(Tensor table) {

  /// @throws IllegalArgumentException if `table` is no matrix
  public Embedding {
    if (table.rank() != 2)
      throw new IllegalArgumentException(
          "table must be [vocabularySize, hiddenSize], was " + table);
  }

  /// The rows of a batch of texts, `[batch, time, hiddenSize]`.
  ///
  /// @throws IllegalArgumentException if there is no token, the texts differ in length or a token is
  ///     outside the vocabulary
  public Tensor lookUp(int[][] tokens) {
    int time = tokens.length == 0 ? 0 : tokens[0].length;
    if (time == 0) throw new IllegalArgumentException("there must be a token");
    for (int[] row : tokens)
      if (row.length != time)
        throw new IllegalArgumentException(
            "rows must have the same number of tokens, were %d and %d".formatted(time, row.length));
    int[] ids = Arrays.stream(tokens).flatMapToInt(Arrays::stream).toArray();
    for (int id : ids) checkToken(id, table.size(0));
    return table.rows(ids).reshape(tokens.length, time, table.size(1));
  }

  /// The logits of a tied head, `[…, vocabularySize]`, for `h [..., hiddenSize]`.
  ///
  /// @throws IllegalArgumentException if the rows of `h` have another width than those of the table
  public Tensor logits(Tensor h) {
    if (h.rank() == 0 || h.size(LAST) != table.size(1))
      throw new IllegalArgumentException("h must have rows of " + table.size(1) + ", was " + h);
    return h.matmulTransposed(table);
  }

  static void checkToken(int id, int vocabularySize) {
    if (id < 0 || id >= vocabularySize)
      throw new IllegalArgumentException(
          "token %d is outside the vocabulary of %d".formatted(id, vocabularySize));
  }
}
