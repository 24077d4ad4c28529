package lemma.core.cache;

/// How much memory a model's key/value cache takes.
///
/// ```
/// bytes per token = 2 · layers · keyValueHeads · headDim · bytesPerValue
/// ```
///
/// The 2 is for keys and values. The number of query heads does not appear: that is what
/// grouped-query attention saves.
///
/// Shazeer 2019, arXiv:1911.02150, section 2.4. Answer: `cache/kv-cache.md`.
public record KvCacheSize(int layers, int keyValueHeads, int headDim, int bytesPerValue) {

  /// @throws IllegalArgumentException if a number is not positive
  public KvCacheSize {
    if (layers < 1 || keyValueHeads < 1 || headDim < 1 || bytesPerValue < 1)
      throw new IllegalArgumentException(
          "layers, keyValueHeads, headDim and bytesPerValue must be positive, were %d, %d, %d, %d"
              .formatted(layers, keyValueHeads, headDim, bytesPerValue));
  }

  /// @throws ArithmeticException if it exceeds a long
  public long bytesPerToken() {
    return Math.multiplyExact(
        Math.multiplyExact(2L * layers, keyValueHeads),
        Math.multiplyExact((long) headDim, bytesPerValue));
  }

  /// Bytes of `batch` texts of `tokens` tokens each.
  ///
  /// @throws IllegalArgumentException if a number is negative
  /// @throws ArithmeticException if it exceeds a long
  public long bytes(long tokens, long batch) {
    if (tokens < 0 || batch < 0)
      throw new IllegalArgumentException(
          "tokens and batch must be 0 or more, were %d and %d".formatted(tokens, batch));
    return Math.multiplyExact(bytesPerToken(), Math.multiplyExact(tokens, batch));
  }
}
