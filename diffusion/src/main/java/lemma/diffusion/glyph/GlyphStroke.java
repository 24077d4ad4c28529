package lemma.diffusion.glyph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// One pass of the pen: a dense chain of points in the unit box.
///
/// Curves and lines alike are cut into pieces, so that bending the plane bends straight strokes
/// too, and two strokes that touch still touch afterwards. The sines are strict: the points are the
/// same on every machine.
///
/// @param x abscissae; shared, not to be changed
/// @param y ordinates, downwards, as many as `x`; shared, not to be changed
/// @param closed whether the last point joins the first
record GlyphStroke(double[] x, double[] y, boolean closed) {

  private static final int PIECES = 16;

  /// The strokes of one character, from the notation that [GlyphOutlines] describes.
  ///
  /// @throws IllegalArgumentException if `path` has an unknown command or a wrong count of numbers
  static List<GlyphStroke> parse(String path) {
    Pen pen = new Pen();
    for (String step : path.split(" (?=[A-Z])")) {
      String[] words = step.split(" ");
      double[] numbers = Arrays.stream(words).skip(1).mapToDouble(Double::parseDouble).toArray();
      pen.draw(words[0] + numbers.length, numbers);
    }
    pen.lift(false);
    return List.copyOf(pen.strokes);
  }

  private static final class Pen {
    final List<GlyphStroke> strokes = new ArrayList<>();
    final List<double[]> points = new ArrayList<>();

    /// @param command its letter and its count of numbers
    void draw(String command, double[] p) {
      switch (command) {
        case "M2" -> {
          lift(false);
          to(p[0], p[1]);
        }
        case "L2" -> { // a cubic with its controls at the thirds has even pieces
          double[] o = points.getLast();
          double dx = (p[0] - o[0]) / 3;
          double dy = (p[1] - o[1]) / 3;
          curve(o[0] + dx, o[1] + dy, p[0] - dx, p[1] - dy, p[0], p[1]);
        }
        case "C6" -> curve(p[0], p[1], p[2], p[3], p[4], p[5]);
        case "A6" -> arc(p[0], p[1], p[2], p[3], p[4], p[5]);
        case "E4" -> {
          lift(false);
          arc(p[0], p[1], p[2], p[3], 0, 360);
          points.removeLast(); // it is the first again
          lift(true);
        }
        case "Z0" -> lift(true);
        default ->
            throw new IllegalArgumentException(
                "path command with its count of numbers must be M2, L2, C6, A6, E4 or Z0, was "
                    + command);
      }
    }

    private void curve(double cx, double cy, double dx, double dy, double x, double y) {
      double[] o = points.getLast();
      for (int i = 1; i <= PIECES; i++) {
        double t = (double) i / PIECES;
        double s = 1 - t;
        double a = s * s * s;
        double b = 3 * s * s * t;
        double c = 3 * s * t * t;
        double d = t * t * t;
        to(a * o[0] + b * cx + c * dx + d * x, a * o[1] + b * cy + c * dy + d * y);
      }
    }

    private void arc(double cx, double cy, double rx, double ry, double from, double sweep) {
      int pieces = 2 * PIECES;
      for (int i = points.isEmpty() ? 0 : 1; i <= pieces; i++) { // a pen already down is there
        double angle = StrictMath.toRadians(from + sweep * i / pieces);
        to(cx + rx * StrictMath.cos(angle), cy + ry * StrictMath.sin(angle));
      }
    }

    private void to(double x, double y) {
      points.add(new double[] {x, y});
    }

    void lift(boolean closed) {
      if (!points.isEmpty()) {
        double[] x = points.stream().mapToDouble(p -> p[0] / 100).toArray();
        double[] y = points.stream().mapToDouble(p -> p[1] / 100).toArray();
        strokes.add(new GlyphStroke(x, y, closed));
        points.clear();
      }
    }
  }
}
