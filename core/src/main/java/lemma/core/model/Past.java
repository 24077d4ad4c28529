package lemma.core.model;

import lemma.core.tensor.Tensor;

/// Keys and values of the tokens so far, `[batch, keyValueHeads, time, headDim]` in each layer.
final class Past {
  private final Tensor[] keys;
  private final Tensor[] values;
  private int prefix;

  Past(int layers) {
    keys = new Tensor[layers];
    values = new Tensor[layers];
  }

  /// Makes the next `length` tokens, the first ones, a prefix whose tokens all see each other.
  Past withPrefix(int length) {
    prefix = length;
    return this;
  }

  /// Number of tokens that see each other whatever their order; 0 if none do.
  int prefix() {
    return prefix;
  }

  Tensor keys(int layer) {
    return keys[layer];
  }

  Tensor values(int layer) {
    return values[layer];
  }

  int length() {
    return length(0);
  }

  private int length(int layer) {
    return keys[layer] == null ? 0 : keys[layer].size(2);
  }

  /// Where the next `time` tokens of a layer stand.
  int[] positions(int layer, int time) {
    int[] positions = new int[time];
    for (int t = 0; t < time; t++) positions[t] = length(layer) + t;
    return positions;
  }

  void append(int layer, Tensor k, Tensor v) {
    keys[layer] = keys[layer] == null ? k : Tensor.concat(2, keys[layer], k);
    values[layer] = values[layer] == null ? v : Tensor.concat(2, values[layer], v);
  }

  /// Forgets every token from `length` on.
  ///
  /// @throws IllegalArgumentException if `length` lies outside, or inside of a prefix, whose tokens
  ///     have seen what would be forgotten
  void truncate(int length) {
    if (length < 0 || length > length())
      throw new IllegalArgumentException(
          "position must be in 0 … %d, was %d".formatted(length(), length));
    if (0 < length && length < prefix)
      throw new IllegalArgumentException(
          "position must be 0, or %d or more behind a prefix, was %d".formatted(prefix, length));
    for (int layer = 0; layer < keys.length; layer++) {
      if (length >= length(layer)) continue;
      keys[layer] = length == 0 ? null : keys[layer].slice(2, 0, length);
      values[layer] = length == 0 ? null : values[layer].slice(2, 0, length);
    }
  }
}
