/// Training data of the small class-conditional image model: the digits and capital letters, drawn
/// by this package from stroke outlines of its own. No fonts, no files and no display are needed,
/// and with one version of the JDK a seed gives the same pixels.
///
/// | type            | what it is                                                             |
/// |-----------------|------------------------------------------------------------------------|
/// | `GlyphClass`    | one of the 36 classes: label 0…35 and its character                    |
/// | `GlyphOutlines` | the drawing of each character, one line of path notation each          |
/// | `GlyphStyle`    | slant, weight, size, wobble, …: all that differs within a class        |
/// | `GlyphRenderer` | class + style → pixels in [-1, 1]                                      |
/// | `GlyphDataset`  | seeded batches for training, and a fixed held-out set                  |
/// | `PixelImages`   | pixels in [-1, 1] → picture, grid of pictures, PNG file                |
///
/// Reading order: `GlyphOutlines`, `GlyphRenderer`, `GlyphDataset`.
package lemma.diffusion.glyph;
