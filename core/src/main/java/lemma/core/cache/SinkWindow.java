package lemma.core.cache;

import java.util.Arrays;
import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;

/// Which tokens a streaming cache keeps: the first few, which serve as attention sinks, and the most
/// recent.
///
/// ```
/// kept after n tokens = 0 … sinks − 1,  n − window … n − 1        all, while n ≤ sinks + window
/// position of a kept token = its index among the kept
/// ```
///
/// Keys are turned by that position, not by the one in the text: no distance ever exceeds
/// `sinks + window − 1`, however long the text becomes. It changes with every eviction, so keys
/// have to be cached before their rotation.
///
/// Xiao et al. 2023, section 3.2, arXiv:2309.17453. Answer: `position/length-extrapolation.md`.
public record SinkWindow(int sinks, int window) {

  /// @throws IllegalArgumentException if `sinks` is negative, `window` not positive, or their sum no
  ///     int
  public SinkWindow {
    if (sinks < 0) throw new IllegalArgumentException("sinks must be 0 or more, were " + sinks);
    if (window < 1) throw new IllegalArgumentException("window must be 1 or more, was " + window);
    if (sinks > Integer.MAX_VALUE - window)
      throw new IllegalArgumentException(
          "sinks %d and window %d are too many".formatted(sinks, window));
  }

  /// The most tokens that are kept.
  public int capacity() {
    return sinks + window;
  }

  /// The first token after the sinks that is kept of a text of `tokens`.
  public int firstRecent(int tokens) {
    return Math.max(sinks, tokens - window);
  }

  /// The tokens that are kept of a text of `tokens`, in cache order.
  ///
  /// @throws IllegalArgumentException if `tokens` is negative
  public int[] kept(int tokens) {
    if (tokens < 0) throw new IllegalArgumentException("tokens must be 0 or more, were " + tokens);
    return IntStream.concat(
            IntStream.range(0, Math.min(sinks, tokens)),
            IntStream.range(firstRecent(tokens), Math.max(sinks, tokens)))
        .toArray();
  }

  /// The rotary position of token `token` when a text of `tokens` is cached.
  ///
  /// @throws IllegalArgumentException if that token is not kept
  public int position(int token, int tokens) {
    int first = firstRecent(tokens);
    if (token < 0 || token >= tokens || token >= sinks && token < first)
      throw new IllegalArgumentException(
          "token %d is not kept of %d tokens".formatted(token, tokens));
    return token < sinks ? token : sinks + token - first;
  }

  /// 1 where the query of a row must not look, `[tokens, tokens]`: what decoding with this cache
  /// hides from each token.
  public Tensor hidden(int tokens) {
    double[] hidden = new double[Math.multiplyExact(tokens, tokens)];
    Arrays.fill(hidden, 1);
    for (int i = 0; i < tokens; i++) for (int j : kept(i + 1)) hidden[i * tokens + j] = 0;
    return Tensor.ofShared(hidden, tokens, tokens);
  }
}
