package lemma.core.model;

import lemma.core.tensor.Tensor;

/// Keys and values of the tokens so far, `[batch, keyValueHeads, time, headDim]` in each layer.
final class LlamaPast {
  private final Tensor[] keys;
  private final Tensor[] values;

  LlamaPast(int layers) {
    keys = new Tensor[layers];
    values = new Tensor[layers];
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

  /// Where the next `time` tokens stand.
  int[] positions(int layer, int time) {
    int[] positions = new int[time];
    for (int t = 0; t < time; t++) positions[t] = length(layer) + t;
    return positions;
  }

  void append(int layer, Tensor k, Tensor v) {
    keys[layer] = keys[layer] == null ? k : Tensor.concat(2, keys[layer], k);
    values[layer] = values[layer] == null ? v : Tensor.concat(2, values[layer], v);
  }

  void truncate(int length) {
    for (int layer = 0; layer < keys.length; layer++) {
      if (length >= length(layer)) continue;
      keys[layer] = length == 0 ? null : keys[layer].slice(2, 0, length);
      values[layer] = length == 0 ? null : values[layer].slice(2, 0, length);
    }
  }
}
