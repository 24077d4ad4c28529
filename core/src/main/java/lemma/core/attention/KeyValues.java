package lemma.core.attention;

import java.util.Objects;

/// Keys and values of one layer as the fast kernel reads them: rows of floats, in blocks of
/// consecutive positions.
///
/// ```
/// key of head h at position b.firstPosition + i  =  b.keys[b.keysFrom + i·headDim … + headDim)
/// ```
///
/// A cache in one piece is one block; a paged one has a block for each page, a ring one for each
/// unbroken run. Keys are stored after their rotation, so the order of the blocks does not matter.
public interface KeyValues {

  /// Number of key/value heads.
  int heads();

  /// Floats of a key, and of a value.
  int headDim();

  /// Number of positions so far; a cache that forgets holds fewer rows.
  int length();

  /// Number of blocks of every head.
  int blocks();

  /// Block `index` of a head; what it holds may change with the next call for the same head.
  ///
  /// @throws IndexOutOfBoundsException if there is no such head or block
  Block block(int head, int index);

  /// `rows` consecutive positions of one head, `headDim` floats each.
  record Block(
      float[] keys, int keysFrom, float[] values, int valuesFrom, int rows, int firstPosition) {}

  /// Keys and values in two arrays `[heads, length, headDim]`, which are shared.
  record Arrays(float[] keys, float[] values, int heads, int length, int headDim)
      implements KeyValues {

    /// @throws IllegalArgumentException if the arrays have another size than the shape says
    public Arrays {
      if (heads < 1 || length < 0 || headDim < 1)
        throw new IllegalArgumentException(
            "heads, length and headDim must be positive, were %d, %d, %d"
                .formatted(heads, length, headDim));
      long count = Math.multiplyExact((long) heads * length, headDim);
      if (keys.length != count || values.length != count)
        throw new IllegalArgumentException(
            "keys and values must hold [%d, %d, %d] = %d floats, hold %d and %d"
                .formatted(heads, length, headDim, count, keys.length, values.length));
    }

    @Override
    public int blocks() {
      return 1;
    }

    @Override
    public Block block(int head, int index) {
      Objects.checkIndex(head, heads);
      Objects.checkIndex(index, 1);
      int from = head * length * headDim;
      return new Block(keys, from, values, from, length, 0);
    }
  }
}
