package lemma.diffusion.glyph;

import java.util.List;

/// How each character is drawn: the path of a pen in a box of 100 × 100, x to the right, y down.
///
/// ```
/// M x y                      lift the pen and set it down at (x, y)
/// L x y                      line
/// C cx cy dx dy x y          cubic Bézier curve
/// A cx cy rx ry from sweep   arc of an ellipse; degrees: 0 right, 90 down, sweep > 0 clockwise
/// E cx cy rx ry              a whole ellipse, a stroke of its own
/// Z                          close the stroke
/// ```
///
/// Pairs that are easily confused are kept apart on purpose: 0 is narrow and slashed where O is
/// wide, 1 has a flag where I has two bars, 5, 2 and B have corners where S, Z and 8 are all round
/// or all straight.
final class GlyphOutlines {

  private static final List<List<GlyphStroke>> OUTLINES =
      List.of(
              "E 50 50 30 50 M 35 70 L 65 30", // 0
              "M 26 24 L 52 0 L 52 100 M 28 100 L 76 100", // 1
              "M 18 27 C 20 -9 80 -9 80 28 C 80 54 36 70 18 100 L 84 100", // 2
              "M 18 17 C 30 -6 77 -5 77 24 C 77 40 62 48 40 48 M 40 48 C 64 48 82 56 82 74 "
                  + "C 82 107 28 110 15 81", // 3
              "M 66 100 L 66 0 L 12 70 L 90 70", // 4
              "M 78 0 L 27 0 L 22 46 C 44 30 83 36 83 67 C 83 107 30 111 15 83", // 5
              "M 70 0 C 38 16 19 42 19 69 A 50 69 31 31 180 360", // 6
              "M 16 0 L 84 0 C 60 30 46 60 42 100", // 7
              "E 50 24 27 24 E 50 74 33 26", // 8
              "M 30 100 C 62 84 81 58 81 31 A 50 31 31 31 0 360", // 9
              "M 10 100 L 50 0 L 90 100 M 24 65 L 76 65", // A
              "M 20 47 L 54 47 C 94 47 94 100 54 100 L 20 100 "
                  + "L 20 0 L 50 0 C 84 0 84 47 50 47", // B
              "A 54 50 42 50 -48 -264", // C
              "M 18 0 L 42 0 C 101 0 101 100 42 100 L 18 100 Z", // D
              "M 80 0 L 22 0 L 22 100 L 80 100 M 22 49 L 70 49", // E
              "M 80 0 L 22 0 L 22 100 M 22 50 L 70 50", // F
              "A 51 50 41 50 -48 -307 L 58 54", // G
              "M 17 0 L 17 100 M 83 0 L 83 100 M 17 50 L 83 50", // H
              "M 24 0 L 76 0 M 50 0 L 50 100 M 24 100 L 76 100", // I
              "M 42 0 L 74 0 L 74 68 C 74 111 20 111 18 72", // J
              "M 20 0 L 20 100 M 82 0 L 20 62 M 42 40 L 86 100", // K
              "M 24 0 L 24 100 L 82 100", // L
              "M 10 100 L 10 0 L 50 66 L 90 0 L 90 100", // M
              "M 17 100 L 17 0 L 83 100 L 83 0", // N
              "E 50 50 46 50", // O
              "M 20 100 L 20 0 L 50 0 C 92 0 92 56 50 56 L 20 56", // P
              "E 49 47 44 47 M 58 64 L 92 100", // Q
              "M 20 100 L 20 0 L 50 0 C 91 0 91 52 50 52 L 20 52 M 52 52 L 86 100", // R
              "M 81 19 C 72 -7 20 -8 20 26 C 20 59 82 41 82 74 C 82 108 24 108 16 79", // S
              "M 10 0 L 90 0 M 50 0 L 50 100", // T
              "M 17 0 L 17 62 C 17 113 83 113 83 62 L 83 0", // U
              "M 10 0 L 50 100 L 90 0", // V
              "M 2 0 L 26 100 L 50 26 L 74 100 L 98 0", // W
              "M 13 0 L 87 100 M 87 0 L 13 100", // X
              "M 12 0 L 50 50 L 88 0 M 50 50 L 50 100", // Y
              "M 16 0 L 84 0 L 16 100 L 84 100") // Z
          .stream()
          .map(GlyphStroke::parse)
          .toList();

  private GlyphOutlines() {}

  /// The strokes of a class in the unit box.
  static List<GlyphStroke> of(GlyphClass glyph) {
    return OUTLINES.get(glyph.label());
  }
}
