package lemma.diffusion.bucketing;

import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;

/// Finds the bucket whose shape is nearest to an image's.
///
/// ```
/// bucket = argminᵦ |aspectᵦ − aspect(image)|     aspect = width / height
/// ```
///
/// Of equals the first wins. An image whose best bucket is not less than `maxAspectError` away is
/// dropped. The difference is linear, as published: 1:4 against 1:3 counts 0.08, 4:1 against 3:1
/// counts 1.
///
/// Answer: `bucketing/aspect-ratio-bucketing.md`.
public final class AspectRatioBuckets {
  /// What [#assign] gives for an image that fits no bucket.
  public static final int DROPPED = -1;

  private final List<Resolution> buckets;
  private final double maxAspectError;
  private final double[] aspects; // ascending
  private final int[] bucketOfAspect;

  /// @throws IllegalArgumentException if there is no bucket or `maxAspectError` is not positive
  public AspectRatioBuckets(List<Resolution> buckets, double maxAspectError) {
    if (buckets.isEmpty()) throw new IllegalArgumentException("buckets must not be empty");
    if (!(maxAspectError > 0))
      throw new IllegalArgumentException("maxAspectError must be positive, was " + maxAspectError);
    this.buckets = List.copyOf(buckets);
    this.maxAspectError = maxAspectError;
    TreeMap<Double, Integer> firstOfAspect = new TreeMap<>();
    for (int bucket = 0; bucket < buckets.size(); bucket++)
      firstOfAspect.putIfAbsent(buckets.get(bucket).aspect(), bucket);
    aspects = firstOfAspect.keySet().stream().mapToDouble(Double::doubleValue).toArray();
    bucketOfAspect = firstOfAspect.values().stream().mapToInt(Integer::intValue).toArray();
  }

  /// The buckets of a design, for images of every shape.
  public static AspectRatioBuckets of(BucketDesign design) {
    return new AspectRatioBuckets(design.buckets(), Double.POSITIVE_INFINITY);
  }

  public List<Resolution> buckets() {
    return buckets;
  }

  /// Index of the bucket for an image, or [#DROPPED]: one of its two neighbours among the sorted
  /// aspects.
  public int assign(Resolution image) {
    double aspect = image.aspect();
    int found = Arrays.binarySearch(aspects, aspect);
    int above = found >= 0 ? found : Math.min(-found - 1, aspects.length - 1);
    int below = found >= 0 ? found : Math.max(above - 1, 0);
    double gapAbove = Math.abs(aspects[above] - aspect);
    double gapBelow = Math.abs(aspects[below] - aspect);
    boolean tie = gapAbove == gapBelow;
    boolean takeAbove = tie ? bucketOfAspect[above] < bucketOfAspect[below] : gapAbove < gapBelow;
    if (!(Math.min(gapAbove, gapBelow) < maxAspectError)) return DROPPED;
    return bucketOfAspect[takeAbove ? above : below];
  }

  /// |aspect of the bucket − aspect of the image|.
  public double aspectError(Resolution image, int bucket) {
    return Math.abs(buckets.get(bucket).aspect() - image.aspect());
  }
}
