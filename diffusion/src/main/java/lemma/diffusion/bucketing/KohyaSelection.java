package lemma.diffusion.bucketing;

import java.util.List;

/// Kohya's choice of a bucket, and what it resizes an image to.
///
/// With upscaling an exact match wins, else the nearest aspect; the image is scaled to the side that
/// fits and cut on the other. Without upscaling an image is only ever made smaller, and its bucket
/// is its own size rounded down to the grid.
///
/// kohya-ss/sd-scripts, `BucketManager.select_bucket` and `get_crop_ltrb`.
///
/// @param bucket the resolution that is trained on
/// @param resized the image before the cut
/// @param aspectError aspect of the bucket minus aspect of the image
public record KohyaSelection(Resolution bucket, Resolution resized, double aspectError) {

  /// The edges of the image inside its bucket, as SDXL is told them: negative where it overhangs.
  public record Crop(double left, double top, double right, double bottom) {}

  /// Chooses among given buckets, enlarging small images.
  public static KohyaSelection among(List<Resolution> buckets, Resolution image) {
    Resolution bucket =
        buckets.contains(image)
            ? image
            : buckets.get(new AspectRatioBuckets(buckets, Double.POSITIVE_INFINITY).assign(image));
    double scale =
        image.aspect() > bucket.aspect()
            ? (double) bucket.height() / image.height()
            : (double) bucket.width() / image.width();
    var resized =
        new Resolution((int) (image.width() * scale + 0.5), (int) (image.height() * scale + 0.5));
    return of(bucket, resized, image);
  }

  /// Shrinks the image to the area of `budget` if it is larger, never enlarges it, and rounds down
  /// to the grid.
  ///
  /// @throws IllegalArgumentException if the image is smaller than one step
  public static KohyaSelection withoutUpscaling(Resolution budget, int step, Resolution image) {
    Resolution resized = image.pixels() > budget.pixels() ? shrunk(budget, step, image) : image;
    int width = resized.width() / step * step;
    int height = resized.height() / step * step;
    if (width == 0 || height == 0)
      throw new IllegalArgumentException(
          "image %s is smaller than a step of %d pixels once it fits %s"
              .formatted(image, step, budget));
    return of(new Resolution(width, height), resized, image);
  }

  /// Where the image lies in the bucket when it is scaled to fit inside.
  public static Crop crop(Resolution bucket, Resolution image) {
    boolean wider = bucket.aspect() > image.aspect();
    double width = wider ? bucket.height() * image.aspect() : bucket.width();
    double height = wider ? bucket.height() : bucket.width() / image.aspect();
    double left = Math.floor((bucket.width() - width) / 2);
    double top = Math.floor((bucket.height() - height) / 2);
    return new Crop(left, top, left + width, top + height);
  }

  /// Pixels cut at the left and at the top, centrally.
  public int[] centreTrim() {
    return new int[] {
      (resized.width() - bucket.width()) / 2, (resized.height() - bucket.height()) / 2
    };
  }

  /// One side is rounded to the grid, the other follows the aspect: whichever distorts less.
  private static Resolution shrunk(Resolution budget, int step, Resolution image) {
    double aspect = image.aspect();
    double width = Math.sqrt(budget.pixels() * aspect);
    double height = budget.pixels() / width;
    int roundedWidth = toGrid(width, step);
    int heightForIt = toGrid(roundedWidth / aspect, step);
    int roundedHeight = toGrid(height, step);
    int widthForIt = toGrid(roundedHeight * aspect, step);
    double widthError = Math.abs((double) roundedWidth / heightForIt - aspect);
    double heightError = Math.abs((double) widthForIt / roundedHeight - aspect);
    int w = widthError < heightError ? roundedWidth : (int) (roundedHeight * aspect + 0.5);
    int h = widthError < heightError ? (int) (roundedWidth / aspect + 0.5) : roundedHeight;
    if (w < 1 || h < 1)
      throw new IllegalArgumentException(
          "image %s is too narrow for the budget %s".formatted(image, budget));
    return new Resolution(w, h);
  }

  private static int toGrid(double side, int step) {
    int rounded = (int) (side + 0.5);
    return rounded - rounded % step;
  }

  private static KohyaSelection of(Resolution bucket, Resolution resized, Resolution image) {
    return new KohyaSelection(bucket, resized, bucket.aspect() - image.aspect());
  }
}
