package lemma.core.position;

import static lemma.core.tensor.Tensor.LAST;

import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;

/// Learned absolute positions: a table with a vector for each position, added to the embedding.
///
/// ```
/// y[t] = x[t] + table[offset + t]
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `x`, `y` | `[…, time, dim]` | embeddings of tokens that follow `offset` others |
/// | `table` | `[length, dim]` | `wpe` of GPT-2, 1024 rows; BERT has 512 |
///
/// A row learns only from texts that reach it, and past the last row there is nothing: the length is
/// built into the model.
///
/// Gehring et al. 2017, section 3.1, arXiv:1705.03122; Radford et al. 2018 (GPT). Answer:
/// `position/learned-position.md`.
public record LearnedPosition(Tensor table) {

  /// @throws IllegalArgumentException if `table` is no matrix
  public LearnedPosition {
    if (table.rank() != 2)
      throw new IllegalArgumentException("table must be [length, dim], was " + table);
  }

  /// The number of positions that have a row.
  public int length() {
    return table.size(0);
  }

  /// The rows of the positions, `[positions, dim]`; the gradient flows to them alone.
  ///
  /// @throws IllegalArgumentException if a position has no row
  public Tensor rows(int... positions) {
    for (int position : positions)
      if (position < 0 || position >= length())
        throw new IllegalArgumentException(
            "position %d has no row: the table was made for %d positions, 0 … %d"
                .formatted(position, length(), length() - 1));
    return table.rows(positions);
  }

  /// `x [..., time, dim]` plus the rows of positions `offset`, `offset + 1`, ….
  ///
  /// @throws IllegalArgumentException if `x` has another width or its last token has no row
  public Tensor apply(Tensor x, int offset) {
    if (x.rank() < 2 || x.size(LAST) != table.size(1))
      throw new IllegalArgumentException(
          "x must be [..., time, %d], was %s".formatted(table.size(1), x));
    return x.add(rows(IntStream.range(offset, offset + x.size(-2)).toArray()));
  }
}
