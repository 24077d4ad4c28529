package lemma.diffusion.bucketing;

import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.random.RandomGenerator;

/// One pass over a data set in full batches of one resolution each.
///
/// ```
/// P(bucket) = images left in it / images left in all
/// ```
///
/// Images are shuffled inside their bucket. What does not fill a batch moves to the remaining
/// bucket, whose batches have the base resolution. Drawing by weight empties all buckets at about
/// the same time; drawing evenly would use up the small ones first.
///
/// An iterator with its own state: use each on one thread, once.
public final class BucketEpoch implements Iterator<BucketEpoch.Batch> {
  /// The bucket number of the remaining bucket.
  public static final int REMAINING = -1;

  /// What happens to the images that fill no batch even together.
  public enum LastBatch {
    /// They come last, in a smaller batch: every image is seen once.
    SMALLER,
    /// They are left out of this epoch, as in NovelAI's code.
    DROP
  }

  /// Images by their index, all to be trained at one resolution.
  public record Batch(int bucket, Resolution resolution, List<Integer> images) {}

  private final List<Resolution> buckets;
  private final Resolution base;
  private final int batchSize;
  private final RandomGenerator random;
  private final int[][] images; // by bucket; the remaining one stands behind the others
  private final int[] left;
  private int total;

  /// @param assignment the bucket of each image, or [AspectRatioBuckets#DROPPED]
  /// @throws IllegalArgumentException if `batchSize` is not positive or a bucket is unknown
  public BucketEpoch(
      List<Resolution> buckets,
      Resolution base,
      int[] assignment,
      int batchSize,
      LastBatch lastBatch,
      RandomGenerator random) {
    if (batchSize < 1)
      throw new IllegalArgumentException("batchSize must be 1 or more, was " + batchSize);
    this.buckets = List.copyOf(buckets);
    this.base = base;
    this.batchSize = batchSize;
    this.random = random;
    images = byBucket(assignment, buckets.size());
    left = new int[images.length];
    int remaining = buckets.size();
    for (int bucket = 0; bucket < remaining; bucket++) {
      shuffle(images[bucket], random);
      left[bucket] = images[bucket].length / batchSize * batchSize;
      int[] overhang = Arrays.copyOfRange(images[bucket], left[bucket], images[bucket].length);
      int[] before = images[remaining];
      images[remaining] = Arrays.copyOf(before, before.length + overhang.length);
      System.arraycopy(overhang, 0, images[remaining], before.length, overhang.length);
    }
    shuffle(images[remaining], random);
    left[remaining] = images[remaining].length;
    if (lastBatch == LastBatch.DROP) left[remaining] -= left[remaining] % batchSize;
    total = Arrays.stream(left).sum();
  }

  @Override
  public boolean hasNext() {
    return total > 0;
  }

  /// The next batch, of a bucket drawn by what is left in it.
  @Override
  public Batch next() {
    if (total == 0) throw new NoSuchElementException("the epoch is over");
    int bucket = draw();
    int count = Math.min(batchSize, left[bucket]);
    int[] members = Arrays.copyOfRange(images[bucket], left[bucket] - count, left[bucket]);
    left[bucket] -= count;
    total -= count;
    boolean remaining = bucket == buckets.size();
    return new Batch(
        remaining ? REMAINING : bucket,
        remaining ? base : buckets.get(bucket),
        Arrays.stream(members).boxed().toList());
  }

  /// Chance that the next batch comes from a bucket; [#REMAINING] names the remaining one. A
  /// remaining bucket that holds less than a batch waits until the others are empty.
  public double probability(int bucket) {
    int at = bucket == REMAINING ? buckets.size() : bucket;
    int weights = total - (waits() ? left[buckets.size()] : 0);
    return at == buckets.size() && waits() || weights == 0 ? 0 : (double) left[at] / weights;
  }

  /// Images still to come from a bucket; [#REMAINING] names the remaining one.
  public int left(int bucket) {
    return left[bucket == REMAINING ? buckets.size() : bucket];
  }

  private boolean waits() {
    int remaining = left[buckets.size()];
    return remaining < batchSize && remaining < total;
  }

  private int draw() {
    int drawn = random.nextInt(total - (waits() ? left[buckets.size()] : 0));
    int bucket = 0;
    while (drawn >= left[bucket]) drawn -= left[bucket++];
    return bucket;
  }

  private static int[][] byBucket(int[] assignment, int buckets) {
    int[] counts = new int[buckets + 1];
    for (int image = 0; image < assignment.length; image++) {
      int bucket = assignment[image];
      if (bucket < AspectRatioBuckets.DROPPED || bucket >= buckets)
        throw new IllegalArgumentException(
            "image %d is in bucket %d, there are %d".formatted(image, bucket, buckets));
      if (bucket != AspectRatioBuckets.DROPPED) counts[bucket]++;
    }
    int[][] images = new int[buckets + 1][];
    for (int bucket = 0; bucket <= buckets; bucket++) images[bucket] = new int[counts[bucket]];
    for (int image = assignment.length - 1; image >= 0; image--)
      if (assignment[image] != AspectRatioBuckets.DROPPED)
        images[assignment[image]][--counts[assignment[image]]] = image;
    return images;
  }

  /// Fisher–Yates.
  private static void shuffle(int[] values, RandomGenerator random) {
    for (int i = values.length - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      int value = values[i];
      values[i] = values[other];
      values[other] = value;
    }
  }
}
