package lemma.diffusion.glyph;

import java.awt.image.BufferedImage;
import java.awt.image.WritableRaster;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/// Pixels in [-1, 1] as grey pictures that can be looked at.
///
/// ```
/// grey = round(255 · (clamp(v, -1, 1) + 1) / 2)
/// ```
public final class PixelImages {

  private static final int MAX_PIXELS = 1 << 26;

  private PixelImages() {}

  /// One picture of `[height, width]` pixels.
  ///
  /// @throws IllegalArgumentException if there are not width · height pixels, or one is not a
  ///     number
  public static BufferedImage image(double[] pixels, int width, int height) {
    return grid(pixels, width, height, 1, 0, 1);
  }

  /// All pictures of a batch `[n, 1, height, width]` in rows of `columns`, on a dark grey ground.
  ///
  /// @param padding pixels around and between the pictures, before enlarging
  /// @param scale how many times each pixel is repeated in each direction (nearest neighbour)
  /// @throws IllegalArgumentException if the pixels are no whole number of pictures, one is not a
  ///     number, a size is not positive, or the result would have more than 2²⁶ pixels
  public static BufferedImage grid(
      double[] pixels, int width, int height, int columns, int padding, int scale) {
    if (width <= 0 || height <= 0 || columns <= 0 || padding < 0 || scale <= 0) {
      throw new IllegalArgumentException(
          "width %d, height %d, columns %d and scale %d must be positive, padding %d not negative"
              .formatted(width, height, columns, scale, padding));
    }
    long area = (long) width * height;
    if (pixels.length == 0 || pixels.length % area != 0) {
      throw new IllegalArgumentException(
          "pixels [%d] must be a whole number of pictures [%d, %d]"
              .formatted(pixels.length, height, width));
    }
    int count = (int) (pixels.length / area);
    int across = Math.min(columns, count);
    int down = (count + across - 1) / across;
    long totalWidth = ((long) across * (width + padding) + padding) * scale;
    long totalHeight = ((long) down * (height + padding) + padding) * scale;
    if (totalWidth > MAX_PIXELS || totalHeight > MAX_PIXELS / totalWidth) {
      throw new IllegalArgumentException(
          "picture must have at most %d pixels, would be %d x %d"
              .formatted(MAX_PIXELS, totalWidth, totalHeight));
    }

    BufferedImage image =
        new BufferedImage((int) totalWidth, (int) totalHeight, BufferedImage.TYPE_BYTE_GRAY);
    WritableRaster raster = image.getRaster();
    for (int y = 0; y < totalHeight; y++) {
      for (int x = 0; x < totalWidth; x++) {
        int cellX = x / scale - padding; // column · (width + padding) + pixel
        int cellY = y / scale - padding;
        int column = Math.floorDiv(cellX, width + padding);
        int row = Math.floorDiv(cellY, height + padding);
        int px = Math.floorMod(cellX, width + padding);
        int py = Math.floorMod(cellY, height + padding);
        int index = row * across + column;
        boolean ground = cellX < 0 || cellY < 0 || px >= width || py >= height || index >= count;
        raster.setSample(x, y, 0, ground ? 64 : grey(pixels[(index * height + py) * width + px]));
      }
    }
    return image;
  }

  /// Writes a PNG; a reader of `file` sees the old content or the whole new one, never a part.
  ///
  /// @throws IOException if the folder does not exist or cannot be written
  public static void writePng(BufferedImage image, Path file) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (var stream = new MemoryCacheImageOutputStream(bytes)) {
      if (!ImageIO.write(image, "png", stream)) {
        throw new IOException("no PNG writer for image type " + image.getType());
      }
    }
    Path temporary = file.resolveSibling(file.getFileName() + "." + UUID.randomUUID() + ".part");
    try {
      Files.write(temporary, bytes.toByteArray(), StandardOpenOption.CREATE_NEW);
      try {
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
      }
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static int grey(double value) {
    if (Double.isNaN(value)) {
      throw new IllegalArgumentException("pixels must be numbers, one was NaN");
    }
    return (int) Math.round(255 * (Math.clamp(value, -1.0, 1.0) + 1) / 2);
  }
}
