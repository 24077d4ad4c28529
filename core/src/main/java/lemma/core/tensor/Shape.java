package lemma.core.tensor;

import java.util.Arrays;

/// Arithmetic of shapes: sizes, axes, row-major strides and the rule of broadcasting.
final class Shape {
  private Shape() {}

  /// The number of elements; refuses negative sizes and counts that an array cannot hold.
  static int count(int... shape) {
    long count = 1;
    for (int size : shape) {
      if (size < 0) throw new IllegalArgumentException("shape " + text(shape) + ": negative size");
      count *= size;
      if (count > Integer.MAX_VALUE - 8) {
        throw new IllegalArgumentException("shape " + text(shape) + ": too many elements");
      }
    }
    return (int) count;
  }

  /// The axis counted from the front; −1 is the last.
  static int axis(int axis, int[] shape) {
    int found = axis < 0 ? axis + shape.length : axis;
    if (found < 0 || found >= shape.length) {
      throw new IllegalArgumentException(
          "axis " + axis + " is outside of shape " + text(shape) + " of rank " + shape.length);
    }
    return found;
  }

  /// Marks the given axes; refuses one that is named twice.
  static boolean[] marks(int[] axes, int[] shape) {
    boolean[] marks = new boolean[shape.length];
    for (int axis : axes) {
      int found = axis(axis, shape);
      if (marks[found]) {
        throw new IllegalArgumentException(
            "axes " + text(axes) + " of shape " + text(shape) + ": axis " + axis + " twice");
      }
      marks[found] = true;
    }
    return marks;
  }

  /// Row-major strides: the last axis moves by one element.
  static int[] strides(int[] shape) {
    int[] strides = new int[shape.length];
    for (int axis = shape.length - 1, step = 1; axis >= 0; step *= shape[axis--]) {
      strides[axis] = step;
    }
    return strides;
  }

  /// The common shape of two operands, aligned at the last axis, where a size of one stretches.
  static int[] broadcast(int[] a, int[] b) {
    return broadcast(a, b, "a " + text(a) + " and b " + text(b) + ": shapes");
  }

  /// The same for parts of shapes, with the words by which an error names the whole ones.
  static int[] broadcast(int[] a, int[] b, String what) {
    int rank = Math.max(a.length, b.length);
    int[] shape = new int[rank];
    for (int axis = 0; axis < rank; axis++) {
      int sizeA = sizeOrOne(a, axis - (rank - a.length));
      int sizeB = sizeOrOne(b, axis - (rank - b.length));
      if (sizeA != sizeB && sizeA != 1 && sizeB != 1) {
        throw new IllegalArgumentException(what + " do not broadcast at axis " + axis);
      }
      shape[axis] = sizeA == 1 ? sizeB : sizeA;
    }
    return shape;
  }

  /// The strides with which a tensor of shape `from` is read as if it had shape `to`: zero where it
  /// stretches.
  static int[] broadcastStrides(int[] from, int[] to) {
    int[] own = strides(from);
    int[] strides = new int[to.length];
    int lead = to.length - from.length;
    if (lead < 0) {
      throw new IllegalArgumentException(
          "shape " + text(from) + " does not broadcast to " + text(to) + ": its rank is higher");
    }
    for (int axis = 0; axis < to.length; axis++) {
      int size = sizeOrOne(from, axis - lead);
      if (size != to[axis] && size != 1) {
        throw new IllegalArgumentException(
            "shape " + text(from) + " does not broadcast to " + text(to) + " at axis " + axis);
      }
      strides[axis] = size == 1 ? 0 : own[axis - lead];
    }
    return strides;
  }

  /// The product of the sizes of axes `from` (inclusive) to `to` (exclusive).
  static int product(int[] shape, int from, int to) {
    int product = 1;
    for (int axis = from; axis < to; axis++) product *= shape[axis];
    return product;
  }

  static int[] with(int[] shape, int axis, int size) {
    int[] changed = shape.clone();
    changed[axis] = size;
    return changed;
  }

  static int[] without(int[] shape, int axis) {
    int[] kept = Arrays.copyOf(shape, shape.length - 1);
    System.arraycopy(shape, axis + 1, kept, axis, kept.length - axis);
    return kept;
  }

  static String text(int[] shape) {
    return Arrays.toString(shape);
  }

  private static int sizeOrOne(int[] shape, int axis) {
    return axis < 0 ? 1 : shape[axis];
  }
}
