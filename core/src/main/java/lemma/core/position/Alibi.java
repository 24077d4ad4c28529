package lemma.core.position;

import lemma.core.tensor.Tensor;

/// Attention with linear biases: every step of distance costs a score a fixed amount, another one in
/// each head. There is no other position information in the model.
///
/// ```
/// score(i, j) = qᵢ·kⱼ/√d − m_h·|i − j|
/// m_h = 2^(−8h/n)         h = 1 … n, n heads, n a power of two
/// ```
///
/// For other head counts: the slopes of the next smaller power of two c, then every second of the
/// slopes of 2c heads, from the first, until there are enough.
///
/// Slopes are fixed, not trained. With scores of at most B in magnitude, the weight of all keys
/// farther than r is below e^(2B − m(r + 1)): a head looks a few 1/m far, in a text of any length.
///
/// Press et al. 2021, section 3, arXiv:2108.12409. Answer: `position/alibi.md`.
public record Alibi(int heads) {

  /// @throws IllegalArgumentException if there is no head
  public Alibi {
    if (heads < 1) throw new IllegalArgumentException("heads must be 1 or more, were " + heads);
  }

  /// m of each head, falling within each of the two geometric runs.
  public double[] slopes() {
    int power = Integer.highestOneBit(heads);
    double[] slopes = new double[heads];
    for (int h = 0; h < power; h++) slopes[h] = slope(h + 1, power);
    for (int h = power; h < heads; h++) slopes[h] = slope(2 * (h - power) + 1, 2 * power);
    return slopes;
  }

  /// 2^(−8h/n).
  private static double slope(int h, int n) {
    return Math.pow(2, -8.0 * h / n);
  }

  /// −m·|i − j|, `[heads, queries, keys]`; the first query stands at `offset`, the number of cached
  /// tokens, and the first key at 0. What a causal mask hides has a number too.
  ///
  /// @throws IllegalArgumentException if a number is negative
  public Tensor bias(int queries, int keys, int offset) {
    if (queries < 0 || keys < 0 || offset < 0)
      throw new IllegalArgumentException(
          "queries, keys and offset must be 0 or more, were %d, %d, %d"
              .formatted(queries, keys, offset));
    double[] slopes = slopes();
    double[] bias = new double[Math.multiplyExact(heads, Math.multiplyExact(queries, keys))];
    int at = 0;
    for (double slope : slopes)
      for (int i = 0; i < queries; i++)
        for (int j = 0; j < keys; j++) bias[at++] = -slope * Math.abs(offset + i - j);
    return Tensor.ofShared(bias, heads, queries, keys);
  }

  /// m·j, `[heads, keys]`: the same for causal attention without the query's position. A row of
  /// −m·(i − j) differs from it by m·i, which softmax does not see.
  ///
  /// @throws IllegalArgumentException if `keys` is negative
  public Tensor keyBias(int keys) {
    if (keys < 0) throw new IllegalArgumentException("keys must be 0 or more, were " + keys);
    return Tensor.vector(slopes()).unsqueeze(1).mul(Tensor.arange(keys));
  }
}
