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

  /// The table stretched to `newLength` rows, each on the line between two old ones; the first and
  /// the last stay. It is where training for a longer text begins.
  ///
  /// Dosovitskiy et al. 2020, section 3.2, arXiv:2010.11929, in two dimensions.
  ///
  /// @throws IllegalArgumentException if `newLength` is below 2 or the table has one row
  public LearnedPosition stretched(int newLength) {
    if (newLength < 2 || length() < 2)
      throw new IllegalArgumentException(
          "newLength %d and length %d must be 2 or more".formatted(newLength, length()));
    int[] low = new int[newLength];
    int[] high = new int[newLength];
    double[] share = new double[newLength]; // of the upper row
    for (int row = 0; row < newLength; row++) {
      double place = row * (length() - 1.0) / (newLength - 1);
      low[row] = (int) place;
      high[row] = Math.min(low[row] + 1, length() - 1);
      share[row] = place - low[row];
    }
    Tensor upper = Tensor.ofShared(share, newLength, 1);
    return new LearnedPosition(
        table.rows(low).mul(upper.neg().add(1)).add(table.rows(high).mul(upper)));
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
