package lemma.diffusion.glyph;

import java.util.random.RandomGenerator;
import java.util.random.RandomGenerator.LeapableGenerator;
import java.util.random.RandomGeneratorFactory;

/// Glyph images without end: classes drawn uniformly, styles by [GlyphStyle#random].
///
/// One seed gives two streams of random numbers that cannot overlap: the held-out stream starts one
/// leap (2¹⁹² draws) after the training stream.
///
/// ```java
/// GlyphDataset data = new GlyphDataset(24, 1);
/// RandomGenerator random = data.trainRandom();
/// Batch batch = data.batch(64, random);        // again and again
/// Batch test = data.heldOut(360);              // always the same images, ten of each class
/// ```
///
/// @param imageSize width and height of the images in pixels, 8…1024
/// @param seed of both streams
public record GlyphDataset(int imageSize, long seed) {

  private static final int MAX_VALUES = 1 << 28; // 2 GiB of pixels

  /// @throws IllegalArgumentException if `imageSize` is not in 8…1024
  public GlyphDataset {
    new GlyphRenderer(imageSize);
  }

  /// Images and their classes.
  ///
  /// @param imageSize width and height of each image
  /// @param pixels `[n, 1, imageSize, imageSize]` row-major, in [-1, 1]; shared, not copied
  /// @param labels `[n]`, each 0…35; shared, not copied
  public record Batch(int imageSize, double[] pixels, int[] labels) {

    /// @throws IllegalArgumentException if the number of pixels does not fit the labels
    public Batch {
      if (imageSize <= 0 || pixels.length != (long) labels.length * imageSize * imageSize) {
        throw new IllegalArgumentException(
            "pixels must be [%d, 1, %d, %d] for %d labels, was [%d]"
                .formatted(labels.length, imageSize, imageSize, labels.length, pixels.length));
      }
    }

    /// The number of images.
    public int count() {
      return labels.length;
    }
  }

  /// A generator at the start of the training stream.
  public RandomGenerator trainRandom() {
    return stream();
  }

  /// A generator at the start of the held-out stream.
  public RandomGenerator heldOutRandom() {
    LeapableGenerator random = stream();
    random.leap();
    return random;
  }

  /// The next images of a stream, each of a random class.
  ///
  /// @throws IllegalArgumentException if `count` is not positive or the batch would be larger than
  ///     2²⁸ pixels
  public Batch batch(int count, RandomGenerator random) {
    int[] labels = new int[checkCount(count)];
    for (int i = 0; i < count; i++) {
      labels[i] = random.nextInt(GlyphClass.COUNT);
    }
    return draw(labels, random);
  }

  /// The fixed held-out images: the first `count` of the held-out stream, with the classes in turn.
  ///
  /// @throws IllegalArgumentException if `count` is not positive or the batch would be larger than
  ///     2²⁸ pixels
  public Batch heldOut(int count) {
    int[] labels = new int[checkCount(count)];
    for (int i = 0; i < count; i++) {
      labels[i] = i % GlyphClass.COUNT;
    }
    return draw(labels, heldOutRandom());
  }

  private Batch draw(int[] labels, RandomGenerator random) {
    GlyphRenderer renderer = new GlyphRenderer(imageSize);
    int area = imageSize * imageSize;
    double[] pixels = new double[labels.length * area];
    for (int i = 0; i < labels.length; i++) {
      double[] image = renderer.draw(new GlyphClass(labels[i]), GlyphStyle.random(random));
      System.arraycopy(image, 0, pixels, i * area, area);
    }
    return new Batch(imageSize, pixels, labels);
  }

  private int checkCount(int count) {
    int most = MAX_VALUES / (imageSize * imageSize);
    if (count <= 0 || count > most) {
      throw new IllegalArgumentException(
          "count must be between 1 and %d for images of %d pixels, was %d"
              .formatted(most, imageSize, count));
    }
    return count;
  }

  private LeapableGenerator stream() {
    return RandomGeneratorFactory.<LeapableGenerator>of("Xoshiro256PlusPlus").create(seed);
  }
}
