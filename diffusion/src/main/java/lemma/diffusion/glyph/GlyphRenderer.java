package lemma.diffusion.glyph;

import java.awt.BasicStroke;
import java.awt.Shape;
import java.awt.geom.AffineTransform;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// Draws a character in a style: white (+1) on black (-1).
///
/// ```
/// outline → wobble → scale, slant, rotate → stroke → place in the image → coverage c ∈ [0, 1]
/// pixel = 2·c - 1
/// ```
///
/// Only the geometry of Java2D is used (`BasicStroke`, `Path2D`), never its graphics context: no
/// font and no display is looked for. The strokes are polylines, which need no sines but the strict
/// ones of this package, so with one version of the JDK the same class and style are meant to give
/// the same pixels on every machine. Another version's `BasicStroke` may place an edge differently.
///
/// @param imageSize width and height of the images in pixels
public record GlyphRenderer(int imageSize) {

  /// The border that stays black on each side, as a fraction of the image.
  public static final double MARGIN = 0.05;

  private static final double HOLLOW_CORE = 0.45; // of the stroke width

  /// @throws IllegalArgumentException if `imageSize` is not in 8…1024
  public GlyphRenderer {
    if (imageSize < 8 || imageSize > 1024) {
      throw new IllegalArgumentException("imageSize must be between 8 and 1024, was " + imageSize);
    }
  }

  /// The pixels of one glyph, `[imageSize, imageSize]` row-major, each in [-1, 1].
  public double[] draw(GlyphClass glyph, GlyphStyle style) {
    Path2D skeleton = skeleton(glyph, style);
    double weight = style.strokeWeight() * style.size() * imageSize;
    Shape body = stroke(weight, style.tips()).createStrokedShape(skeleton);
    AffineTransform placement = placement(body.getBounds2D(), style);

    double[] pixels = Coverage.of(placement.createTransformedShape(body), imageSize);
    if (style.hollow()) {
      Shape core = stroke(HOLLOW_CORE * weight, style.tips()).createStrokedShape(skeleton);
      double[] inner = Coverage.of(placement.createTransformedShape(core), imageSize);
      Arrays.setAll(pixels, i -> Math.max(0, pixels[i] - inner[i]));
    }
    Arrays.setAll(pixels, i -> 2 * pixels[i] - 1);
    return pixels;
  }

  /// The line along which the pen moves, in pixels, its box centred on the origin.
  private Path2D skeleton(GlyphClass glyph, GlyphStyle style) {
    Wobble wobble = Wobble.of(style);
    AffineTransform linear = linear(style);
    Path2D path = new Path2D.Double();
    double[] point = new double[2];
    for (GlyphStroke stroke : GlyphOutlines.of(glyph)) {
      for (int i = 0; i < stroke.x().length; i++) {
        wobble.apply(stroke.x()[i], stroke.y()[i], point);
        point[0] -= 0.5;
        point[1] -= 0.5;
        linear.transform(point, 0, point, 0, 1);
        if (i == 0) {
          path.moveTo(point[0], point[1]);
        } else {
          path.lineTo(point[0], point[1]);
        }
      }
      if (stroke.closed()) {
        path.closePath();
      }
    }
    return path;
  }

  /// rotation · slant · scale
  private AffineTransform linear(GlyphStyle style) {
    double height = style.size() * imageSize;
    double angle = StrictMath.toRadians(style.rotation());
    double cos = StrictMath.cos(angle);
    double sin = StrictMath.sin(angle);
    AffineTransform rotation = new AffineTransform(cos, sin, -sin, cos, 0, 0);
    rotation.concatenate(new AffineTransform(1, 0, -style.slant(), 1, 0, 0));
    rotation.concatenate(new AffineTransform(style.aspect() * height, 0, 0, height, 0, 0));
    return rotation;
  }

  /// Moves the drawn box into the image, and shrinks it first if it is larger than the room between
  /// the margins.
  private AffineTransform placement(Rectangle2D box, GlyphStyle style) {
    double room = imageSize * (1 - 2 * MARGIN);
    double scale = Math.min(1, room / Math.max(box.getWidth(), box.getHeight()));
    double freeX = room - scale * box.getWidth();
    double freeY = room - scale * box.getHeight();
    double x = (imageSize + style.offsetX() * freeX) / 2; // of the centre
    double y = (imageSize + style.offsetY() * freeY) / 2;
    return new AffineTransform(
        scale, 0, 0, scale, x - scale * box.getCenterX(), y - scale * box.getCenterY());
  }

  private static BasicStroke stroke(double width, GlyphStyle.Tips tips) {
    return switch (tips) {
      case ROUND -> stroke(width, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND);
      case BUTT -> stroke(width, BasicStroke.CAP_BUTT, BasicStroke.JOIN_MITER);
      case SQUARE -> stroke(width, BasicStroke.CAP_SQUARE, BasicStroke.JOIN_MITER);
    };
  }

  private static BasicStroke stroke(double width, int cap, int join) {
    float miterLimit = 2.5f; // corners under 47° are cut off
    return new BasicStroke((float) width, cap, join, miterLimit);
  }

  /// Free-form deformation: control points of a 4 × 4 lattice over the unit box are jittered, and
  /// the plane follows.
  ///
  /// ```
  /// p ↦ p + Σᵢⱼ B₃ᵢ(x)·B₃ⱼ(y)·δᵢⱼ      B₃: cubic Bernstein polynomials
  /// δᵢⱼ ~ U(-wobble, wobble)²
  /// ```
  ///
  /// Sederberg & Parry 1986, "Free-form deformation of solid geometric models".
  private record Wobble(double[] shifts) {

    static Wobble of(GlyphStyle style) {
      double[] shifts = new double[4 * 4 * 2];
      if (style.wobble() > 0) {
        RandomGenerator random =
            RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(style.wobbleSeed());
        Arrays.setAll(shifts, i -> style.wobble() * (2 * random.nextDouble() - 1));
      }
      return new Wobble(shifts);
    }

    void apply(double x, double y, double[] point) {
      double[] bx = bernstein(x);
      double[] by = bernstein(y);
      point[0] = x;
      point[1] = y;
      for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
          point[0] += bx[i] * by[j] * shifts[8 * i + 2 * j];
          point[1] += bx[i] * by[j] * shifts[8 * i + 2 * j + 1];
        }
      }
    }

    private static double[] bernstein(double t) {
      double s = 1 - t;
      return new double[] {s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t};
    }
  }
}
