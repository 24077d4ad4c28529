package lemma.diffusion.bucketing;

/// The size of an image or a bucket, in pixels.
///
/// The aspect is width / height: above 1 for landscape.
public record Resolution(int width, int height) implements Comparable<Resolution> {

  /// @throws IllegalArgumentException if a side is not positive
  public Resolution {
    if (width < 1 || height < 1)
      throw new IllegalArgumentException(
          "width and height must be 1 or more, were %d and %d".formatted(width, height));
  }

  public double aspect() {
    return (double) width / height;
  }

  public long pixels() {
    return (long) width * height;
  }

  /// By width, then by height.
  @Override
  public int compareTo(Resolution other) {
    return width != other.width
        ? Integer.compare(width, other.width)
        : Integer.compare(height, other.height);
  }

  @Override
  public String toString() {
    return width + "×" + height;
  }
}
