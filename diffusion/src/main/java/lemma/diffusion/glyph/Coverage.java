package lemma.diffusion.glyph;

import java.awt.Shape;
import java.awt.geom.PathIterator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// How much of each pixel a shape covers, by scan lines: exact along a line, [#LINES] lines to a
/// pixel.
///
/// ```
/// cᵣₖ = (1/L) Σ_lines |inside ∩ [k, k+1]|      inside: winding number ≠ 0
/// ```
final class Coverage {

  private static final int LINES = 16;
  private static final double FLATNESS = 0.01; // pixels

  private Coverage() {}

  /// Coverage in [0, 1] of the pixels `[size, size]`, row-major; what lies outside the image is cut
  /// off.
  static double[] of(Shape shape, int size) {
    ScanLine[] lines = new ScanLine[size * LINES];
    Arrays.setAll(lines, i -> new ScanLine());
    for (double[] edge : edges(shape)) {
      cross(edge[0], edge[1], edge[2], edge[3], lines);
    }
    double[] coverage = new double[size * size];
    for (int i = 0; i < lines.length; i++) {
      ScanLine line = lines[i];
      int winding = 0;
      for (int k = 0; k + 1 < line.count; k++) {
        winding += line.direction[k];
        if (winding != 0) {
          addSpan(coverage, i / LINES * size, size, line.x[k], line.x[k + 1]);
        }
      }
    }
    Arrays.setAll(coverage, i -> Math.min(1, coverage[i] / LINES));
    return coverage;
  }

  /// Adds the edge to the lines that it crosses; line i runs at y = (i + ½) / L.
  private static void cross(double x0, double y0, double x1, double y1, ScanLine[] lines) {
    int from = (int) Math.ceil(Math.min(y0, y1) * LINES - 0.5);
    int to = (int) Math.ceil(Math.max(y0, y1) * LINES - 0.5);
    for (int i = Math.max(0, from); i < Math.min(lines.length, to); i++) {
      double y = (i + 0.5) / LINES;
      lines[i].add(x0 + (y - y0) * (x1 - x0) / (y1 - y0), y0 < y1 ? 1 : -1);
    }
  }

  /// The crossings of one line from left to right.
  private static final class ScanLine {
    private double[] x = new double[8];
    private int[] direction = new int[8];
    private int count;

    void add(double newX, int newDirection) {
      if (count == x.length) {
        x = Arrays.copyOf(x, 2 * count);
        direction = Arrays.copyOf(direction, 2 * count);
      }
      int at = count++;
      for (; at > 0 && x[at - 1] > newX; at--) {
        x[at] = x[at - 1];
        direction[at] = direction[at - 1];
      }
      x[at] = newX;
      direction[at] = newDirection;
    }
  }

  private static void addSpan(double[] coverage, int row, int size, double from, double to) {
    int last = (int) Math.min(size - 1, Math.floor(to));
    for (int k = (int) Math.max(0, Math.floor(from)); k <= last; k++) {
      coverage[row + k] += Math.max(0, Math.min(to, k + 1) - Math.max(from, k));
    }
  }

  private static double[][] edges(Shape shape) {
    List<double[]> edges = new ArrayList<>();
    double[] p = new double[6];
    double startX = 0;
    double startY = 0;
    double x = 0;
    double y = 0;
    for (PathIterator it = shape.getPathIterator(null, FLATNESS); !it.isDone(); it.next()) {
      switch (it.currentSegment(p)) {
        case PathIterator.SEG_MOVETO -> {
          edges.add(new double[] {x, y, startX, startY}); // areas are closed
          startX = p[0];
          startY = p[1];
        }
        case PathIterator.SEG_LINETO -> edges.add(new double[] {x, y, p[0], p[1]});
        default -> { // SEG_CLOSE: back to the start
          p[0] = startX;
          p[1] = startY;
          edges.add(new double[] {x, y, startX, startY});
        }
      }
      x = p[0];
      y = p[1];
    }
    edges.add(new double[] {x, y, startX, startY});
    return edges.toArray(double[][]::new);
  }
}
