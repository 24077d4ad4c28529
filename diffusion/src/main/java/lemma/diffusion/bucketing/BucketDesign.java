package lemma.diffusion.bucketing;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/// Which resolutions a training run offers.
///
/// | design | rule |
/// |---|---|
/// | [OneSideFixed] | one side at its maximum, the other falls in steps |
/// | [NovelAi] | the longest other side whose area fits the budget |
/// | [Kohya] | the same on a grid of widths, mirrored |
/// | [Sdxl] | the published table |
/// | [SdxlDemo] | the shorter table of its demo |
///
/// The first lets the area fall with the aspect, down to half at 1:2; the others keep it near the
/// budget, so that a step costs the same and detail does not depend on shape.
public sealed interface BucketDesign {

  /// The buckets, in the order in which the design numbers them.
  List<Resolution> buckets();

  /// The resolution of the remaining bucket, where images of several buckets meet.
  Resolution base();

  /// One side stays at `maxSide`, the other runs from `minSide` up in `step`s; then mirrored, then
  /// the square. With 1024, 512 and 64 these are 17 buckets.
  record OneSideFixed(int maxSide, int minSide, int step) implements BucketDesign {
    public OneSideFixed {
      requirePositive("step", step);
      requirePositive("minSide", minSide);
      if (minSide > maxSide || (maxSide - minSide) % step != 0)
        throw new IllegalArgumentException(
            "minSide %d must lie a multiple of step %d below maxSide %d"
                .formatted(minSide, step, maxSide));
    }

    @Override
    public List<Resolution> buckets() {
      List<Resolution> buckets = new ArrayList<>();
      for (int side = minSide; side < maxSide; side += step)
        buckets.add(new Resolution(side, maxSide));
      for (int side = minSide; side < maxSide; side += step)
        buckets.add(new Resolution(maxSide, side));
      buckets.add(base());
      return buckets;
    }

    @Override
    public Resolution base() {
      return new Resolution(maxSide, maxSide);
    }
  }

  /// For each side from `minSide` to `maxSide`, the longest other side whose area still fits
  /// `budget`; and the base resolution where it was passed on the way.
  ///
  /// NovelAI 2022, *Improvements on Stable Diffusion*, section on aspect-ratio bucketing.
  record NovelAi(Resolution budget, int step, int minSide, int maxSide, Resolution base)
      implements BucketDesign {
    public NovelAi {
      requirePositive("step", step);
      requirePositive("minSide", minSide);
      if (minSide > maxSide)
        throw new IllegalArgumentException(
            "minSide %d must not be above maxSide %d".formatted(minSide, maxSide));
      if ((long) minSide * minSide > budget.pixels())
        throw new IllegalArgumentException(
            "minSide %d squared exceeds the budget %s".formatted(minSide, budget));
    }

    /// 768×512 pixels, sides from 256 to 1024, base 512×512.
    public static NovelAi published() {
      return new NovelAi(new Resolution(768, 512), 64, 256, 1024, new Resolution(512, 512));
    }

    @Override
    public List<Resolution> buckets() {
      TreeSet<Resolution> found =
          new TreeSet<>(
              Comparator.comparingInt(
                      (Resolution bucket) -> bucket.width() * 4096 - bucket.height())
                  .thenComparing(Comparator.naturalOrder()));
      for (int side = minSide; fits(side, minSide) && side <= maxSide; side += step) {
        int longest = minSide;
        boolean passedBase = false;
        while (fits(side, longest + step) && longest + step <= maxSide) {
          passedBase |= side == base.width() && longest == base.height();
          longest += step;
        }
        if (passedBase) found.add(base);
        found.add(new Resolution(side, longest));
        found.add(new Resolution(longest, side));
      }
      return List.copyOf(found);
    }

    private boolean fits(int width, int height) {
      return (long) width * height <= budget.pixels();
    }
  }

  /// Widths from `minSide` to `maxSide` on the grid, each with the tallest height within the area
  /// of `budget`, and their mirror images; sorted.
  ///
  /// kohya-ss/sd-scripts, `make_bucket_resolutions`.
  record Kohya(Resolution budget, int minSide, int maxSide, int step) implements BucketDesign {
    public Kohya {
      requirePositive("step", step);
      requirePositive("minSide", minSide);
      if (minSide > maxSide)
        throw new IllegalArgumentException(
            "minSide %d must not be above maxSide %d".formatted(minSide, maxSide));
      if (Math.sqrt(budget.pixels()) < step)
        throw new IllegalArgumentException(
            "the budget %s is smaller than a step of %d".formatted(budget, step));
    }

    @Override
    public List<Resolution> buckets() {
      TreeSet<Resolution> found = new TreeSet<>();
      found.add(base());
      for (int width = minSide; width <= maxSide; width += step) {
        int height = (int) Math.min(maxSide, budget.pixels() / width / step * step);
        if (height < minSide) continue;
        found.add(new Resolution(width, height));
        found.add(new Resolution(height, width));
      }
      return List.copyOf(found);
    }

    @Override
    public Resolution base() {
      int side = (int) Math.floor(Math.sqrt(budget.pixels()) / step) * step;
      return new Resolution(side, side);
    }
  }

  /// The 40 resolutions of about 1024² pixels that SDXL was trained on; not quite symmetric:
  /// 1344×704 is there, 704×1344 is not.
  ///
  /// Podell et al. 2023, appendix I, arXiv:2307.01952.
  record Sdxl() implements BucketDesign {
    private static final int[][] HEIGHT_AND_WIDTHS = {
      {512, 2048, 1984, 1920, 1856},
      {576, 1792, 1728, 1664},
      {640, 1600, 1536},
      {704, 1472, 1408, 1344},
      {768, 1344, 1280},
      {832, 1216, 1152},
      {896, 1152, 1088},
      {960, 1088, 1024},
      {1024, 1024, 960},
      {1088, 960, 896},
      {1152, 896, 832},
      {1216, 832},
      {1280, 768},
      {1344, 768},
      {1408, 704},
      {1472, 704},
      {1536, 640},
      {1600, 640},
      {1664, 576},
      {1728, 576},
      {1792, 576},
      {1856, 512},
      {1920, 512},
      {1984, 512},
      {2048, 512},
    };

    @Override
    public List<Resolution> buckets() {
      List<Resolution> buckets = new ArrayList<>();
      for (int[] row : HEIGHT_AND_WIDTHS)
        for (int i = 1; i < row.length; i++) buckets.add(new Resolution(row[i], row[0]));
      return buckets;
    }

    @Override
    public Resolution base() {
      return new Resolution(1024, 1024);
    }
  }

  /// The 26 resolutions that the demo of SDXL offers for sampling: those of [Sdxl] from 1:2 to 3:1,
  /// and 704×1344, by aspect.
  ///
  /// Stability-AI/generative-models, `SD_XL_BASE_RATIOS`.
  record SdxlDemo() implements BucketDesign {
    @Override
    public List<Resolution> buckets() {
      List<Resolution> buckets = new ArrayList<>(new Sdxl().buckets());
      buckets.add(new Resolution(704, 1344));
      buckets.removeIf(
          bucket -> 2 * bucket.width() < bucket.height() || bucket.width() > 3 * bucket.height());
      buckets.sort(Comparator.comparingDouble(Resolution::aspect));
      return buckets;
    }

    @Override
    public Resolution base() {
      return new Resolution(1024, 1024);
    }
  }

  private static void requirePositive(String name, int value) {
    if (value < 1)
      throw new IllegalArgumentException("%s must be 1 or more, was %d".formatted(name, value));
  }
}
