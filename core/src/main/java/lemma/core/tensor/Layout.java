package lemma.core.tensor;

import java.util.Arrays;

/// Operations that move elements and compute nothing. Their backward steps move gradients the other
/// way; where an element was used several times, its gradients add up.
final class Layout {
  private Layout() {}

  /// The same elements in another shape; `dx = g`.
  static Tensor reshape(Tensor x, int... wanted) {
    int[] shape = inferred(x.shape, wanted);
    return Node.unary(x.data, shape, Layout::pass, x);
  }

  private static int[] inferred(int[] from, int[] wanted) {
    int count = Shape.count(from);
    int[] shape = wanted.clone();
    int open = -1;
    for (int axis = 0; axis < shape.length; axis++) {
      if (shape[axis] != -1) continue;
      if (open >= 0) {
        throw new IllegalArgumentException(
            "reshape to " + Shape.text(wanted) + ": only one size may be -1");
      }
      open = axis;
      shape[axis] = 1;
    }
    int known = Shape.count(shape);
    boolean fits = open < 0 ? known == count : known > 0 && count % known == 0;
    if (!fits) {
      throw new IllegalArgumentException(
          "reshape "
              + Shape.text(from)
              + " to "
              + Shape.text(wanted)
              + ": "
              + count
              + " elements do not fit");
    }
    if (open >= 0) shape[open] = count / known;
    return shape;
  }

  private static void pass(double[] g, double[] dx) {
    for (int i = 0; i < g.length; i++) dx[i] += g[i];
  }

  static Tensor unsqueeze(Tensor x, int axis) {
    int rank = x.shape.length + 1;
    int at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank) {
      throw new IllegalArgumentException(
          "unsqueeze " + Shape.text(x.shape) + ": axis " + axis + " is outside of rank " + rank);
    }
    int[] shape = new int[rank];
    for (int i = 0; i < rank; i++) shape[i] = i < at ? x.shape[i] : i == at ? 1 : x.shape[i - 1];
    return reshape(x, shape);
  }

  static Tensor squeeze(Tensor x, int... axes) {
    boolean[] marks = Shape.marks(axes, x.shape);
    int[] shape = new int[x.shape.length - axes.length];
    for (int axis = 0, to = 0; axis < marks.length; axis++) {
      if (!marks[axis]) {
        shape[to++] = x.shape[axis];
      } else if (x.shape[axis] != 1) {
        throw new IllegalArgumentException(
            "squeeze " + Shape.text(x.shape) + ": axis " + axis + " has more than one element");
      }
    }
    return reshape(x, shape);
  }

  static Tensor transpose(Tensor x, int axisA, int axisB) {
    int a = Shape.axis(axisA, x.shape);
    int b = Shape.axis(axisB, x.shape);
    int[] order = new int[x.shape.length];
    for (int i = 0; i < order.length; i++) order[i] = i == a ? b : i == b ? a : i;
    return permute(x, order);
  }

  /// Axis i of the result is axis `order[i]` of x.
  static Tensor permute(Tensor x, int... order) {
    if (order.length != x.shape.length) {
      throw new IllegalArgumentException(
          "permute "
              + Shape.text(x.shape)
              + ": order "
              + Shape.text(order)
              + " must name each axis");
    }
    Shape.marks(order, x.shape);
    int[] from = Shape.strides(x.shape);
    int[] shape = new int[order.length];
    int[] strides = new int[order.length];
    for (int i = 0; i < order.length; i++) {
      int axis = Shape.axis(order[i], x.shape);
      shape[i] = x.shape[axis];
      strides[i] = from[axis];
    }
    return strided(x, shape, strides);
  }

  static Tensor broadcastTo(Tensor x, int... shape) {
    if (Arrays.equals(x.shape, shape)) return x;
    Shape.count(shape);
    return strided(x, shape.clone(), Shape.broadcastStrides(x.shape, shape));
  }

  /// Reads x with other strides; the gradients go back with the same ones.
  private static Tensor strided(Tensor x, int[] shape, int[] strides) {
    double[] p = x.data;
    double[] y = new double[Shape.count(shape)];
    Strided walk = new Strided(shape, strides, strides);
    int n = walk.run;
    int step = walk.aStep;
    walk.forEachRun((o, i, j) -> {
      if (step == 1) System.arraycopy(p, i, y, o, n);
      else for (int k = 0; k < n; k++) y[o + k] = p[i + k * step];
    });
    return Node.unary(
        y,
        shape,
        (g, dx) ->
            walk.forEachRun((o, i, j) -> {
              for (int k = 0; k < n; k++) dx[i + k * step] += g[o + k];
            }),
        x);
  }

  /// Every slice of an axis `times` times in a row.
  static Tensor repeat(Tensor x, int axis, int times) {
    if (times < 1)
      throw new IllegalArgumentException("repeat: times must be positive, was " + times);
    int at = Shape.axis(axis, x.shape);
    Tensor raised = unsqueeze(x, at + 1);
    Tensor repeated = broadcastTo(raised, Shape.with(raised.shape, at + 1, times));
    return reshape(repeated, Shape.with(x.shape, at, x.shape[at] * times));
  }

  /// `x[.., from:to, ..]`.
  static Tensor slice(Tensor x, int axis, int from, int to) {
    int at = Shape.axis(axis, x.shape);
    int size = x.shape[at];
    if (from < 0 || from > to || to > size) {
      throw new IllegalArgumentException(
          "slice "
              + Shape.text(x.shape)
              + " at axis "
              + axis
              + ": from "
              + from
              + " to "
              + to
              + " is outside of 0 to "
              + size);
    }
    int inner = Shape.product(x.shape, at + 1, x.shape.length);
    int[] shape = Shape.with(x.shape, at, to - from);
    double[] y = new double[Shape.count(shape)];
    copyBlocks(x.data, from * inner, size * inner, y, 0, (to - from) * inner, (to - from) * inner);
    return Node.unary(
        y,
        shape,
        (g, dx) ->
            addBlocks(
                g, 0, (to - from) * inner, dx, from * inner, size * inner, (to - from) * inner),
        x);
  }

  /// The parts behind each other along an axis, all other sizes being equal.
  static Tensor concat(int axis, Tensor... parts) {
    if (parts.length == 0) throw new IllegalArgumentException("concat: no tensors");
    int at = Shape.axis(axis, parts[0].shape);
    int size = 0;
    for (Tensor part : parts) {
      int[] expected = parts[0].shape;
      boolean same = part.shape.length == expected.length;
      for (int i = 0; same && i < expected.length; i++) {
        same = i == at || part.shape[i] == expected[i];
      }
      if (!same) {
        throw new IllegalArgumentException(
            "concat "
                + Shape.text(expected)
                + " and "
                + Shape.text(part.shape)
                + ": sizes must be equal except at axis "
                + at);
      }
      size = Math.addExact(size, part.shape[at]);
    }
    int[] shape = Shape.with(parts[0].shape, at, size);
    int inner = Shape.product(shape, at + 1, shape.length);
    int row = size * inner;
    double[] y = new double[Shape.count(shape)];
    int[] lengths = new int[parts.length];
    for (int i = 0, from = 0; i < lengths.length; from += lengths[i++]) {
      lengths[i] = parts[i].shape[at] * inner;
      copyBlocks(parts[i].data, 0, lengths[i], y, from, row, lengths[i]);
    }
    return Node.result(
        y,
        shape,
        (g, into) -> {
          for (int i = 0, from = 0; i < lengths.length; from += lengths[i++]) {
            if (into[i] != null) addBlocks(g, from, row, into[i], 0, lengths[i], lengths[i]);
          }
        },
        parts);
  }

  static Tensor stack(int axis, Tensor... parts) {
    Tensor[] raised = new Tensor[parts.length];
    for (int i = 0; i < parts.length; i++) raised[i] = unsqueeze(parts[i], axis);
    return concat(axis, raised);
  }

  /// Copies blocks of `length`, one every `step`, until an array ends.
  private static void copyBlocks(
      double[] from, int at, int step, double[] to, int toAt, int toStep, int length) {
    if (length == 0) return;
    for (; at < from.length && toAt < to.length; at += step, toAt += toStep) {
      System.arraycopy(from, at, to, toAt, length);
    }
  }

  private static void addBlocks(
      double[] from, int at, int step, double[] to, int toAt, int toStep, int length) {
    if (length == 0) return;
    for (; at < from.length && toAt < to.length; at += step, toAt += toStep) {
      for (int i = 0; i < length; i++) to[toAt + i] += from[at + i];
    }
  }

  /// `y[i] = x[ids[i]]`: an embedding table's rows; `dx[ids[i]] += g[i]`.
  static Tensor rows(Tensor x, int[] ids) {
    if (x.shape.length == 0) throw new IllegalArgumentException("rows of a scalar");
    int width = Shape.product(x.shape, 1, x.shape.length);
    for (int id : ids) checkIndex("row", id, x.shape, x.shape[0]);
    int[] kept = ids.clone();
    int[] shape = Shape.with(x.shape, 0, kept.length);
    double[] y = new double[Shape.count(shape)];
    for (int i = 0; i < kept.length; i++) {
      System.arraycopy(x.data, kept[i] * width, y, i * width, width);
    }
    return Node.unary(
        y,
        shape,
        (g, dx) -> {
          for (int i = 0; i < kept.length; i++) {
            for (int k = 0; k < width; k++) dx[kept[i] * width + k] += g[i * width + k];
          }
        },
        x);
  }

  /// `y[i] = x[i, index[i]]` for every row i of the last axis.
  static Tensor pick(Tensor x, int[] index) {
    int n = x.shape[Shape.axis(-1, x.shape)];
    int[] shape = Arrays.copyOf(x.shape, x.shape.length - 1);
    double[] y = new double[Shape.count(shape)];
    if (index.length != y.length) {
      throw new IllegalArgumentException(
          "pick from "
              + Shape.text(x.shape)
              + ": "
              + y.length
              + " rows, but "
              + index.length
              + " indices");
    }
    int[] kept = index.clone();
    for (int i = 0; i < y.length; i++) {
      checkIndex("index", kept[i], x.shape, n);
      y[i] = x.data[i * n + kept[i]];
    }
    return Node.unary(
        y,
        shape,
        (g, dx) -> {
          for (int i = 0; i < g.length; i++) dx[i * n + kept[i]] += g[i];
        },
        x);
  }

  private static void checkIndex(String name, int index, int[] shape, int size) {
    if (index < 0 || index >= size) {
      throw new IllegalArgumentException(
          name + " " + index + " is outside of 0 to " + (size - 1) + " in " + Shape.text(shape));
    }
  }

  /// Zeros around the last two axes.
  static Tensor pad2d(Tensor x, int top, int bottom, int left, int right) {
    int rank = x.shape.length;
    if (rank < 2 || Math.min(Math.min(top, bottom), Math.min(left, right)) < 0) {
      throw new IllegalArgumentException(
          "pad2d "
              + Shape.text(x.shape)
              + " by "
              + Shape.text(new int[] {top, bottom, left, right})
              + ": rank must be 2 or more and no padding negative");
    }
    int height = x.shape[rank - 2];
    int width = x.shape[rank - 1];
    int wide = left + width + right;
    int[] shape = Shape.with(x.shape, rank - 2, top + height + bottom);
    shape[rank - 1] = wide;
    double[] y = new double[Shape.count(shape)];
    int rows = width == 0 ? 0 : x.data.length / width;
    for (int row = 0; row < rows; row++) {
      System.arraycopy(
          x.data, row * width, y, padded(row, height, top, bottom) * wide + left, width);
    }
    return Node.unary(
        y,
        shape,
        (g, dx) -> {
          for (int row = 0; row < rows; row++) {
            int from = padded(row, height, top, bottom) * wide + left;
            for (int k = 0; k < width; k++) dx[row * width + k] += g[from + k];
          }
        },
        x);
  }

  private static int padded(int row, int height, int top, int bottom) {
    return row / height * (top + height + bottom) + top + row % height;
  }
}
