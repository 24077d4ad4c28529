package lemma.diffusion.bucketing;

/// How an image becomes as large as its bucket: resized until it covers it, then cropped centrally.
///
/// ```
/// scale = max(bucketWidth / width, bucketHeight / height)
/// left  = ⌊(resizedWidth − bucketWidth) / 2⌋       top likewise
/// ```
///
/// @param resized the image after resizing, at least as large as the bucket
/// @param left pixels of `resized` cut off at the left
/// @param top pixels of `resized` cut off at the top
/// @param bucket what remains
public record CropPlan(Resolution resized, int left, int top, Resolution bucket) {

  /// The plan for an image and its bucket.
  ///
  /// @throws IllegalArgumentException if the resized image would have more than 2³¹ − 1 pixels on a
  ///     side
  public static CropPlan cover(Resolution image, Resolution bucket) {
    double scale =
        Math.max(
            (double) bucket.width() / image.width(), (double) bucket.height() / image.height());
    int width = Math.max(bucket.width(), rounded(image.width() * scale, image));
    int height = Math.max(bucket.height(), rounded(image.height() * scale, image));
    return new CropPlan(
        new Resolution(width, height),
        (width - bucket.width()) / 2,
        (height - bucket.height()) / 2,
        bucket);
  }

  /// Pixels removed along the side that overhangs.
  public int removedPixels() {
    return Math.max(resized.width() - bucket.width(), resized.height() - bucket.height());
  }

  /// Share of the resized area that is cut off, in [0, 1).
  public double removedFraction() {
    return 1 - (double) bucket.pixels() / resized.pixels();
  }

  /// Rounds half up, as the reference does.
  private static int rounded(double side, Resolution image) {
    if (side + 0.5 > Integer.MAX_VALUE)
      throw new IllegalArgumentException("image " + image + " is too narrow to cover a bucket");
    return (int) (side + 0.5);
  }
}
