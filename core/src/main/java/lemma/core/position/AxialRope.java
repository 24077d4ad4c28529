package lemma.core.position;

import static lemma.core.tensor.Tensor.LAST;

import java.util.Arrays;
import java.util.List;
import lemma.core.tensor.Tensor;

/// [Rope] over several axes: the channels of a head are split into groups, and group a is rotated
/// by the position along axis a.
///
/// ```
/// y = [ R(ids[:, 0])·x₀ | R(ids[:, 1])·x₁ | … ]
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `x`, `y` | `[…, tokens, headDim]` | headDim is the sum of the groups |
/// | `ids` | `[tokens][axes]` | (0, row, column) for a patch of FLUX, zeros for its text |
///
/// A score then depends on the differences along each axis. FLUX: three interleaved groups of 16,
/// 56 and 56 channels, base 10 000. Answer: `position/rope.md`.
public record AxialRope(List<Rope> axes) {

  /// @throws IllegalArgumentException if there is no axis
  public AxialRope {
    axes = List.copyOf(axes);
    if (axes.isEmpty()) throw new IllegalArgumentException("axes must not be empty");
  }

  /// Interleaved groups of the given sizes with one base, as in FLUX.
  ///
  /// @throws IllegalArgumentException if a size is not even and positive
  public static AxialRope flux(double base, int... axisDims) {
    return new AxialRope(
        Arrays.stream(axisDims)
            .mapToObj(
                dim -> new Rope(dim, dim, base, Rope.Layout.INTERLEAVED, new RopeScaling.None()))
            .toList());
  }

  /// The channels of a head: the sum of the groups.
  public int headDim() {
    return axes.stream().mapToInt(Rope::headDim).sum();
  }

  /// (0, row, column) for each patch of a grid, row by row, after `textTokens` times (0, 0, 0).
  public static int[][] fluxIds(int textTokens, int height, int width) {
    int[][] ids = new int[textTokens + height * width][3];
    for (int patch = 0; patch < height * width; patch++)
      ids[textTokens + patch] = new int[] {0, patch / width, patch % width};
    return ids;
  }

  /// Rotates row t of `x [..., tokens, headDim]` by `ids[t]`.
  ///
  /// @throws IllegalArgumentException if `x` or an id has other sizes
  public Tensor apply(Tensor x, int[][] ids) {
    if (x.rank() < 2 || x.size(LAST) != headDim() || x.size(-2) != ids.length)
      throw new IllegalArgumentException(
          "x must be [..., %d, %d] for %d ids, was %s"
              .formatted(ids.length, headDim(), ids.length, x));
    for (int[] id : ids)
      if (id.length != axes.size())
        throw new IllegalArgumentException(
            "ids must have %d axes, was %d".formatted(axes.size(), id.length));
    Tensor[] groups = new Tensor[axes.size()];
    int from = 0;
    for (int a = 0; a < groups.length; a++) {
      int axis = a;
      int[] positions = Arrays.stream(ids).mapToInt(id -> id[axis]).toArray();
      int to = from + axes.get(a).headDim();
      groups[a] = axes.get(a).apply(x.slice(LAST, from, to), positions);
      from = to;
    }
    return Tensor.concat(LAST, groups);
  }
}
