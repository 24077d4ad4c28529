package lemma.core.cache;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import lemma.core.attention.KeyValues;

/// What a cache holds, row by row, as a kernel would read it.
final class CacheRows {
  private CacheRows() {}

  record At(int head, int position) {}

  record Row(float[] key, float[] value) {}

  /// Every row by its place.
  ///
  /// @throws IllegalStateException if a place is held twice
  static Map<At, Row> of(KeyValues cache) {
    Map<At, Row> rows = new HashMap<>();
    int dim = cache.headDim();
    for (int head = 0; head < cache.heads(); head++)
      for (int index = 0; index < cache.blocks(); index++) {
        var block = cache.block(head, index);
        for (int i = 0; i < block.rows(); i++) {
          int key = block.keysFrom() + i * dim;
          int value = block.valuesFrom() + i * dim;
          var row =
              new Row(
                  Arrays.copyOfRange(block.keys(), key, key + dim),
                  Arrays.copyOfRange(block.values(), value, value + dim));
          if (rows.put(new At(head, block.firstPosition() + i), row) != null)
            throw new IllegalStateException(
                "position " + (block.firstPosition() + i) + " is held twice");
        }
      }
    return rows;
  }
}
