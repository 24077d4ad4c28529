package lemma.core.position;

import static lemma.core.tensor.Tensor.LAST;

import lemma.core.tensor.Tensor;

/// Relative position representations (Shaw): a learned vector for each distance, added to the key
/// that a query sees at that distance, and another to the value.
///
/// ```
/// e(i, j) = qᵢ·(kⱼ + aᴷ[clip(j − i)])/√d            clip(r) = min(max(r, −k), k)
/// zᵢ      = Σⱼ αᵢⱼ (vⱼ + aⱽ[clip(j − i)])
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `table` | `[2k + 1, d]` | aᴷ or aⱽ: rows for distances −k … k |
///
/// Unlike a bias, the position term depends on the query: a head can ask for a distance. All
/// distances beyond k share a row. Written out over pairs for clarity; multiplying q with the few
/// rows of the table first costs O(n·k·d) instead of O(n²·d).
///
/// Shaw et al. 2018, eq. 3 to 5, arXiv:1803.02155. Answer: `position/relative-bias.md`.
public record RelativeKeys(Tensor table) {

  /// @throws IllegalArgumentException if `table` has not an odd number of rows
  public RelativeKeys {
    if (table.rank() != 2 || table.size(0) % 2 == 0)
      throw new IllegalArgumentException("table must be [2k + 1, d], was " + table);
  }

  /// k: the farthest distance with a row of its own.
  public int reach() {
    return table.size(0) / 2;
  }

  /// q·a, `[…, queries, keys]` for `q [..., queries, d]`: what the positions add to q·k. Times 1/√d
  /// it is the bias of scaled dot-product attention. The first query stands at `offset`.
  ///
  /// @throws IllegalArgumentException if the shapes do not fit
  public Tensor scores(Tensor q, int keys, int offset) {
    if (q.rank() < 2 || q.size(LAST) != table.size(1))
      throw new IllegalArgumentException(
          "q must be [..., queries, %d], was %s".formatted(table.size(1), q));
    return q.unsqueeze(-2).mul(pairs(q.size(-2), keys, offset)).sum(LAST, false);
  }

  /// Σⱼ αᵢⱼ·a, `[…, queries, d]` for `weights [..., queries, keys]`: what the positions add to the
  /// output.
  ///
  /// @throws IllegalArgumentException if `weights` is no matrix or stack of them
  public Tensor values(Tensor weights, int offset) {
    if (weights.rank() < 2)
      throw new IllegalArgumentException("weights must be [..., queries, keys], was " + weights);
    Tensor pairs = pairs(weights.size(-2), weights.size(LAST), offset);
    return weights.unsqueeze(weights.rank()).mul(pairs).sum(-2, false);
  }

  /// The row of each query and key, `[queries, keys, d]`.
  private Tensor pairs(int queries, int keys, int offset) {
    if (keys < 0 || offset < 0)
      throw new IllegalArgumentException(
          "keys and offset must be 0 or more, were %d and %d".formatted(keys, offset));
    int[] rows = new int[Math.multiplyExact(queries, keys)];
    for (int i = 0; i < queries; i++)
      for (int j = 0; j < keys; j++)
        rows[i * keys + j] = reach() + Math.clamp(j - (offset + i), -reach(), reach());
    return table.rows(rows).reshape(queries, keys, table.size(1));
  }
}
