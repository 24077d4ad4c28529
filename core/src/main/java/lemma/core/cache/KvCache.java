package lemma.core.cache;

import lemma.core.attention.KeyValues;

/// The keys and values of one layer, growing by the tokens of a text: what decoding pays memory for.
///
/// ```
/// for each layer:  cache.append(keys, values, tokens);  kernel.apply(…, cache, output);
/// ```
///
/// A model holds one for each layer, so that layers may differ: some keep all, some a window. How
/// the rows lie in memory is the cache's own business; the kernel reads them by
/// [block][KeyValues#block]. A cache belongs to one text; the heads of a layer may be read by
/// several threads between two calls that change it.
///
/// Answer: `cache/kv-cache.md`.
public interface KvCache extends KeyValues {

  /// The most positions that it can reach.
  int capacity();

  /// Appends the rotated keys and the values of the next tokens, `[tokens, heads, headDim]` each as
  /// the projections give them, from index 0 on.
  ///
  /// @throws IllegalArgumentException if there is no token, the capacity would be exceeded or the
  ///     cache does not take so many at once; then nothing is appended
  /// @throws IndexOutOfBoundsException if an array is too short
  void append(float[] keys, float[] values, int tokens);

  /// Forgets every position from `length` on.
  ///
  /// @throws IllegalArgumentException if `length` is negative or past [#length()], or the cache has
  ///     dropped positions that would be needed again
  void rewind(int length);

  /// Memory held for keys and values, in bytes, whether filled or not.
  long bytes();
}
