package lemma.diffusion.model;

import static lemma.core.tensor.Tensor.LAST;

import java.util.Arrays;
import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;

/// What a classifier says of drawn glyphs: how many it reads as what they should be, and how much
/// those of one class differ.
///
/// ```
/// accuracy  = share of images whose class is the label they were drawn for
/// diversity = mean over classes of the mean ‖fᵢ − fⱼ‖ over pairs i < j of the class
/// ```
///
/// f are the classifier's [features][GlyphClassifier#features]. A set of copies has diversity 0; what
/// the number means is best seen beside that of real glyphs.
///
/// @param accuracy of 0 … 1
/// @param diversity a distance between features
/// @param readable how many classes have at least half of their images read right
public record GlyphScore(double accuracy, double diversity, int readable) {
  private static final int TOGETHER = 36;

  /// Scores images `[n, 1, size, size]` by the classes that they were drawn for.
  ///
  /// @throws IllegalArgumentException if there is not one label for each image, or no class has two
  ///     images
  public static GlyphScore of(GlyphClassifier classifier, Tensor images, int[] labels) {
    if (images.size(0) != labels.length) {
      throw new IllegalArgumentException(
          "images %s and %d labels: expected one for each"
              .formatted(Arrays.toString(images.shape()), labels.length));
    }
    Tensor features = features(classifier, images);
    int[] read = classifier.out().apply(features).argMax(LAST);
    int classes = classifier.config().classes();
    int right = 0;
    int readable = 0;
    int compared = 0;
    double distances = 0;
    for (int c = 0; c < classes; c++) {
      int label = c;
      int[] drawn = IntStream.range(0, labels.length).filter(i -> labels[i] == label).toArray();
      if (drawn.length == 0) continue;
      int hits = (int) Arrays.stream(drawn).filter(i -> read[i] == label).count();
      right += hits;
      if (2 * hits >= drawn.length) readable++;
      if (drawn.length < 2) continue;
      distances += meanDistance(features.rows(drawn));
      compared++;
    }
    if (compared == 0) {
      throw new IllegalArgumentException("labels: diversity needs a class with two images");
    }
    return new GlyphScore((double) right / labels.length, distances / compared, readable);
  }

  private static Tensor features(GlyphClassifier classifier, Tensor images) {
    int n = images.size(0);
    Tensor[] parts =
        IntStream.range(0, (n + TOGETHER - 1) / TOGETHER)
            .parallel()
            .mapToObj(part ->
                classifier.features(
                    images.slice(0, part * TOGETHER, Math.min(n, (part + 1) * TOGETHER))))
            .toArray(Tensor[]::new);
    return Tensor.concat(0, parts);
  }

  private static double meanDistance(Tensor rows) {
    int n = rows.size(0);
    int dim = rows.size(1);
    double[] data = rows.data();
    double sum = 0;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < i; j++) {
        double squares = 0;
        for (int k = 0; k < dim; k++) {
          double difference = data[i * dim + k] - data[j * dim + k];
          squares += difference * difference;
        }
        sum += Math.sqrt(squares);
      }
    }
    return sum / (n * (n - 1.0) / 2);
  }
}
