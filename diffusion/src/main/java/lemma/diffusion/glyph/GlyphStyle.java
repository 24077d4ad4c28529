package lemma.diffusion.glyph;

import java.util.random.RandomGenerator;

/// Everything in which two images of one class differ.
///
/// @param slant shear; positive leans right, 0.2 is an italic
/// @param strokeWeight width of the stroke, as a fraction of the height of the glyph
/// @param size height of the glyph before rotation, as a fraction of the image
/// @param aspect width over height; 1 draws the outlines as designed
/// @param rotation degrees, clockwise
/// @param offsetX where in the free room beside the glyph it stands: -1 left, 0 centred, 1 right
/// @param offsetY the same for top (-1) and bottom (1)
/// @param wobble how far the control points of the plane are jittered, as a fraction of the glyph
/// @param wobbleSeed which jitter
/// @param tips how strokes end and turn
/// @param hollow whether only the rim of the stroke is drawn
public record GlyphStyle(
    double slant,
    double strokeWeight,
    double size,
    double aspect,
    double rotation,
    double offsetX,
    double offsetY,
    double wobble,
    long wobbleSeed,
    Tips tips,
    boolean hollow) {

  /// How strokes end and turn.
  public enum Tips {
    /// Half-discs at the ends, round corners: a felt pen.
    ROUND,
    /// Cut off at the last point, sharp corners.
    BUTT,
    /// Half a stroke width longer than the last point, sharp corners.
    SQUARE
  }

  /// Upright, centred, of medium weight.
  public static final GlyphStyle PLAIN =
      new GlyphStyle(0, 0.14, 0.74, 0.9, 0, 0, 0, 0, 0, Tips.ROUND, false);

  /// @throws IllegalArgumentException if a component is out of its range or not a number
  public GlyphStyle {
    checkRange("slant", slant, -1, 1);
    checkRange("strokeWeight", strokeWeight, 0.01, 0.5);
    checkRange("size", size, 0.1, 1);
    checkRange("aspect", aspect, 0.25, 4);
    checkRange("rotation", rotation, -360, 360);
    checkRange("offsetX", offsetX, -1, 1);
    checkRange("offsetY", offsetY, -1, 1);
    checkRange("wobble", wobble, 0, 0.5);
    if (tips == null) {
      throw new IllegalArgumentException("tips must be ROUND, BUTT or SQUARE, was null");
    }
  }

  /// A style in which the character is still easy to read: half of them with round tips, one in
  /// twelve hollow.
  public static GlyphStyle random(RandomGenerator random) {
    boolean hollow = random.nextInt(12) == 0; // needs room for its two rims
    return new GlyphStyle(
        random.nextDouble(-0.12, 0.28),
        hollow ? random.nextDouble(0.24, 0.28) : random.nextDouble(0.09, 0.17),
        hollow ? random.nextDouble(0.78, 0.86) : random.nextDouble(0.6, 0.84),
        hollow ? random.nextDouble(0.9, 1.05) : random.nextDouble(0.75, 1.05),
        random.nextDouble(-8, 8),
        random.nextDouble(-1, 1),
        random.nextDouble(-1, 1),
        random.nextDouble(0, 0.14),
        random.nextLong(),
        switch (random.nextInt(4)) {
          case 0 -> hollow ? Tips.SQUARE : Tips.BUTT; // a hollow stroke cut off has open ends
          case 1 -> Tips.SQUARE;
          default -> Tips.ROUND;
        },
        hollow);
  }

  private static void checkRange(String name, double value, double min, double max) {
    if (!(value >= min && value <= max)) { // also refuses NaN
      throw new IllegalArgumentException(
          name + " must be between " + min + " and " + max + ", was " + value);
    }
  }
}
