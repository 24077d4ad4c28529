package lemma.core.tensor;

import java.util.Arrays;

/// A walk through an index space in row-major order, while two strided views of it move along.
///
/// Axes that can be walked in one go by both views are merged, and the innermost one is handed out
/// whole, so that the work inside is a plain loop over consecutive elements: a same-shape operation
/// is one run, `[.., d] + [d]` is a run of `d` for every row.
final class Strided {
  /// What to do with one run; element `i` of it is at `position + i`, `a + i·aStep`, `b + i·bStep`.
  interface Run {
    void at(int position, int a, int b);
  }

  /// The length of a run and how far each view moves in it for every element.
  final int run;

  final int aStep;
  final int bStep;
  private final int[] sizes; // merged axes around the run, outermost first
  private final int[] aStrides;
  private final int[] bStrides;

  Strided(int[] shape, int[] aStrides, int[] bStrides) {
    int[] size = new int[shape.length + 1];
    int[] a = new int[shape.length + 1];
    int[] b = new int[shape.length + 1];
    int last = -1;
    for (int axis = 0; axis < shape.length; axis++) {
      int n = shape[axis];
      if (n == 1) continue;
      boolean merge = last >= 0 && a[last] == aStrides[axis] * n && b[last] == bStrides[axis] * n;
      if (!merge) last++;
      size[last] = merge ? size[last] * n : n;
      a[last] = aStrides[axis];
      b[last] = bStrides[axis];
    }
    if (last < 0) {
      last = 0;
      size[0] = a[0] = b[0] = 1;
    }
    this.run = size[last];
    this.aStep = a[last];
    this.bStep = b[last];
    this.sizes = Arrays.copyOf(size, last);
    this.aStrides = Arrays.copyOf(a, last);
    this.bStrides = Arrays.copyOf(b, last);
  }

  /// The walk of two operands that broadcast to `shape`; steps are 0 (stretched) or 1.
  static Strided broadcast(int[] a, int[] b, int[] shape) {
    return new Strided(shape, Shape.broadcastStrides(a, shape), Shape.broadcastStrides(b, shape));
  }

  void forEachRun(Run work) {
    if (run == 0 || Shape.count(sizes) == 0) return;
    int[] index = new int[sizes.length];
    int a = 0;
    int b = 0;
    for (int position = 0; ; position += run) {
      work.at(position, a, b);
      int axis = sizes.length - 1;
      for (; axis >= 0; axis--) {
        a += aStrides[axis];
        b += bStrides[axis];
        if (++index[axis] < sizes[axis]) break;
        a -= sizes[axis] * aStrides[axis];
        b -= sizes[axis] * bStrides[axis];
        index[axis] = 0;
      }
      if (axis < 0) return;
    }
  }
}
