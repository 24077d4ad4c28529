package lemma.diffusion.bucketing;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lemma.diffusion.bucketing.BucketEpoch.LastBatch;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Proves("aspect-ratio-bucketing")
class AspectRatioBucketingTest {
  private static final BucketDesign NOTES = new BucketDesign.OneSideFixed(1024, 512, 64);
  private static final BucketDesign NOVEL_AI_1024 =
      new BucketDesign.NovelAi(
          new Resolution(1024, 1024), 64, 512, 2048, new Resolution(1024, 1024));

  static Stream<BucketDesign> designs() {
    return Stream.of(
        NOTES,
        NOVEL_AI_1024,
        BucketDesign.NovelAi.published(),
        new BucketDesign.Kohya(new Resolution(1024, 1024), 256, 2048, 64),
        new BucketDesign.Sdxl());
  }

  @Claim("seventeen")
  @Test
  void the_notes_design_has_seventeen_buckets_not_sixteen() {
    assertThat(NOTES.buckets()).hasSize(17).doesNotHaveDuplicates().contains(NOTES.base());
    assertThat(NOTES.buckets().subList(0, 8)).allMatch(bucket -> bucket.height() == 1024);
    assertThat(NOTES.buckets().subList(8, 16)).allMatch(bucket -> bucket.width() == 1024);
  }

  @Claim("nearest")
  @ParameterizedTest
  @MethodSource("designs")
  void every_image_goes_to_the_bucket_of_nearest_aspect(BucketDesign design) {
    var buckets = AspectRatioBuckets.of(design);
    RandomGenerator random = random(1);
    List<Resolution> images = new ArrayList<>(design.buckets());
    for (int i = 0; i < 20_000; i++) images.add(image(random, 8));
    for (Resolution image : images) {
      int best = 0; // the definition: the first of the smallest differences
      for (int bucket = 1; bucket < buckets.buckets().size(); bucket++)
        if (buckets.aspectError(image, bucket) < buckets.aspectError(image, best)) best = bucket;
      assertThat(buckets.assign(image)).as("%s", image).isEqualTo(best);
    }
  }

  @Claim("crop-bound")
  @Test
  void an_image_between_1_to_2_and_2_to_1_loses_up_to_6_percent_and_64_pixels(Proof proof) {
    var buckets = AspectRatioBuckets.of(NOTES);
    double worstFraction = 0;
    int worstPixels = 0;
    for (int side = 4096; side <= 8192; side++)
      for (Resolution image : List.of(new Resolution(side, 8192), new Resolution(8192, side))) {
        var plan = CropPlan.cover(image, buckets.buckets().get(buckets.assign(image)));
        worstFraction = Math.max(worstFraction, plan.removedFraction());
        worstPixels = Math.max(worstPixels, plan.removedPixels());
      }
    proof.atLeast("largest cropped share, aspect ½ … 2", worstFraction, 0.033); // the notes' bound
    proof.atLeast("largest crop in pixels, aspect ½ … 2", worstPixels, 33);
    assertThat(worstFraction).isLessThan(0.06);
    assertThat(worstPixels).isLessThanOrEqualTo(64);
  }

  @Claim("crop-outside")
  @Test
  void an_image_outside_that_range_loses_a_third_to_a_half(Proof proof) {
    var buckets = AspectRatioBuckets.of(NOTES);
    var third = new Resolution(3000, 1000);
    var quarter = new Resolution(1000, 4000);
    for (Resolution image : List.of(third, quarter)) {
      var plan = CropPlan.cover(image, buckets.buckets().get(buckets.assign(image)));
      proof.atLeast("cropped share of " + image, plan.removedFraction(), 1 / 3.0 - 1e-3);
    }
  }

  @Claim("area")
  @Test
  void the_notes_narrow_buckets_have_half_the_pixels_and_the_others_keep_the_area(Proof proof) {
    proof.atMost("notes: smallest share of the base's pixels", smallestShare(NOTES), 0.5);
    proof.atLeast("NovelAI at 1024²: smallest share", smallestShare(NOVEL_AI_1024), 0.86);
    proof.atLeast("SDXL: smallest share", smallestShare(new BucketDesign.Sdxl()), 0.86);
  }

  @Claim("covers")
  @ParameterizedTest
  @MethodSource("designs")
  void the_resized_image_covers_its_bucket_and_keeps_its_shape(BucketDesign design) {
    var buckets = AspectRatioBuckets.of(design);
    RandomGenerator random = random(2);
    for (int i = 0; i < 5_000; i++) {
      Resolution image = image(random, 64);
      Resolution bucket = buckets.buckets().get(buckets.assign(image));
      var plan = CropPlan.cover(image, bucket);
      assertThat(plan.resized().width()).isGreaterThanOrEqualTo(bucket.width());
      assertThat(plan.resized().height()).isGreaterThanOrEqualTo(bucket.height());
      assertThat(
              plan.resized().width() == bucket.width()
                  || plan.resized().height() == bucket.height())
          .isTrue();
      assertThat(plan.left() + bucket.width()).isLessThanOrEqualTo(plan.resized().width());
      assertThat(plan.top() + bucket.height()).isLessThanOrEqualTo(plan.resized().height());
      double distortion =
          Math.abs(
              (double) plan.resized().width() / image.width()
                  - (double) plan.resized().height() / image.height());
      assertThat(distortion) // each side is rounded by at most half a pixel
          .isLessThanOrEqualTo(0.51 / image.width() + 0.51 / image.height());
    }
  }

  @Claim("once")
  @ParameterizedTest
  @MethodSource("designs")
  void every_image_comes_exactly_once_in_an_epoch(BucketDesign design) {
    for (int count : new int[] {0, 1, 3, 4, 5, 1000, 1003})
      for (int batchSize : new int[] {1, 4, 7}) {
        int[] seen = new int[count];
        var epoch = epoch(design, assignment(design, count, 3), batchSize, LastBatch.SMALLER, 4);
        while (epoch.hasNext()) for (int image : epoch.next().images()) seen[image]++;
        assertThat(seen).containsOnly(count == 0 ? new int[0] : new int[] {1});
      }
  }

  @Claim("full-batches")
  @ParameterizedTest
  @MethodSource("designs")
  void every_batch_is_full_and_of_one_resolution(BucketDesign design) {
    int[] assignment = assignment(design, 1003, 5);
    var epoch = epoch(design, assignment, 8, LastBatch.DROP, 6);
    int batches = 0;
    while (epoch.hasNext()) {
      BucketEpoch.Batch batch = epoch.next();
      batches++;
      assertThat(batch.images()).hasSize(8);
      boolean remaining = batch.bucket() == BucketEpoch.REMAINING;
      assertThat(batch.resolution())
          .isEqualTo(remaining ? design.base() : design.buckets().get(batch.bucket()));
      if (!remaining)
        assertThat(batch.images()).allMatch(image -> assignment[image] == batch.bucket());
    }
    assertThat(batches).isEqualTo(1003 / 8);
    assertThatThrownBy(epoch::next).isInstanceOf(NoSuchElementException.class);
  }

  @Claim("weighted")
  @Test
  void drawing_by_weight_keeps_small_buckets_to_the_end_where_drawing_evenly_starves_them(
      Proof proof) {
    int[] assignment = new int[11_000]; // two buckets, 10 000 images and 1 000
    Arrays.fill(assignment, 10_000, 11_000, 1);
    double weighted = 0;
    for (int seed = 0; seed < 20; seed++) {
      var epoch = epoch(NOTES, assignment, 10, LastBatch.SMALLER, seed);
      int last = 0;
      for (int batch = 1; epoch.hasNext(); batch++) if (epoch.next().bucket() == 1) last = batch;
      weighted += last / 1100.0 / 20;
    }
    proof.atLeast("share of the epoch that sees the small bucket, by weight", weighted, 0.95);
    RandomGenerator random = random(7); // evenly: a fair coin until the small one's 100 are gone
    int batches = 0;
    for (int small = 100; small > 0; batches++) if (random.nextBoolean()) small--;
    proof.atMost("share of the epoch that sees it, drawn evenly", batches / 1100.0, 0.25);
  }

  @Claim("weighted")
  @Test
  void the_chance_of_a_bucket_is_its_share_of_what_is_left() {
    var epoch = epoch(NOTES, assignment(NOTES, 4000, 8), 4, LastBatch.SMALLER, 9);
    while (epoch.hasNext()) {
      double sum = IntStream.range(BucketEpoch.REMAINING, 17).mapToDouble(epoch::probability).sum();
      assertThat(sum).isCloseTo(1, org.assertj.core.data.Offset.offset(1e-12));
      int bucket = epoch.next().bucket();
      assertThat(epoch.left(bucket)).isGreaterThanOrEqualTo(0);
    }
  }

  @Claim("seed")
  @Test
  void the_same_seed_gives_the_same_epoch() {
    int[] assignment = assignment(NOTES, 500, 10);
    var first = epoch(NOTES, assignment, 4, LastBatch.SMALLER, 11);
    var second = epoch(NOTES, assignment, 4, LastBatch.SMALLER, 11);
    while (first.hasNext()) assertThat(second.next()).isEqualTo(first.next());
    assertThat(second.hasNext()).isFalse();
  }

  @Claim("parity")
  @GoldenCases("diffusion/bucketing-notes")
  void equals_the_design_written_out(GoldenCase golden, Proof proof) {
    var design =
        new BucketDesign.OneSideFixed(
            golden.integer("max_side"), golden.integer("min_side"), golden.integer("step"));
    var buckets = AspectRatioBuckets.of(design);
    golden.expect("buckets_wh", sides(design.buckets()));
    List<Resolution> images = images(golden);
    int[] index = images.stream().mapToInt(buckets::assign).toArray();
    golden.expect("bucket_index", index);
    List<CropPlan> plans =
        IntStream.range(0, index.length)
            .mapToObj(i -> CropPlan.cover(images.get(i), design.buckets().get(index[i])))
            .toList();
    golden.expect("resized_wh", sides(plans.stream().map(CropPlan::resized).toList()));
    golden.expect(
        "crop_left_top",
        plans.stream().flatMapToInt(plan -> IntStream.of(plan.left(), plan.top())).toArray());
    golden.expect("crop_px", plans.stream().mapToInt(CropPlan::removedPixels).toArray());
    golden.expect(
        "crop_fraction", plans.stream().mapToDouble(CropPlan::removedFraction).toArray(), proof);
    golden.expect("aspect_error", errors(buckets, images, index), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/bucketing-novelai")
  void equals_novelai(GoldenCase golden, Proof proof) {
    var design =
        new BucketDesign.NovelAi(
            resolution(golden, "max_size"),
            golden.integer("divisible"),
            golden.integer("min_dim"),
            golden.integer("dim_limit"),
            resolution(golden, "base_res"));
    var buckets = new AspectRatioBuckets(design.buckets(), golden.number("max_ar_error"));
    golden.expect("buckets_wh", sides(design.buckets()));
    golden.expect(
        "aspects", design.buckets().stream().mapToDouble(Resolution::aspect).toArray(), proof);
    List<Resolution> images = images(golden);
    int[] assignment = images.stream().mapToInt(buckets::assign).toArray();
    golden.expect("assignment", assignment);
    golden.expect("aspect_error", errors(buckets, images, assignment), proof);

    int batchSize = golden.integer("batch_size");
    var epoch = epoch(design, assignment, batchSize, LastBatch.DROP, 1);
    golden.expect("leftover_count", new int[] {epoch.left(BucketEpoch.REMAINING)});
    int[] filled =
        IntStream.range(0, design.buckets().size()).filter(b -> epoch.left(b) > 0).toArray();
    golden.expect(
        "epoch_full_batches",
        Arrays.stream(filled).flatMap(b -> IntStream.of(b, epoch.left(b) / batchSize)).toArray());
    int[] drawable =
        IntStream.range(BucketEpoch.REMAINING, design.buckets().size())
            .filter(bucket -> epoch.probability(bucket) > 0)
            .toArray();
    golden.expect("bucket_probability_ids", drawable);
    golden.expect(
        "bucket_probability",
        Arrays.stream(drawable).mapToDouble(epoch::probability).toArray(),
        proof);
    int batches = 0;
    while (epoch.hasNext()) {
      epoch.next();
      batches++;
    }
    golden.expect("batches_per_epoch", new int[] {batches});
  }

  @Claim("parity")
  @GoldenCases("diffusion/bucketing-kohya")
  void equals_kohya(GoldenCase golden, Proof proof) {
    Resolution budget = resolution(golden, "max_reso");
    int step = golden.integer("reso_steps");
    boolean noUpscale = golden.flag("no_upscale");
    List<Resolution> buckets =
        new BucketDesign.Kohya(budget, golden.integer("min_size"), golden.integer("max_size"), step)
            .buckets();
    if (golden.expected().has("buckets_wh")) golden.expect("buckets_wh", sides(buckets));
    List<Resolution> images = images(golden);
    List<KohyaSelection> chosen =
        images.stream()
            .map(image ->
                noUpscale
                    ? KohyaSelection.withoutUpscaling(budget, step, image)
                    : KohyaSelection.among(buckets, image))
            .toList();
    golden.expect("selected_wh", sides(chosen.stream().map(KohyaSelection::bucket).toList()));
    golden.expect("resized_wh", sides(chosen.stream().map(KohyaSelection::resized).toList()));
    golden.expect(
        "ar_error", chosen.stream().mapToDouble(KohyaSelection::aspectError).toArray(), proof);
    golden.expect(
        "centre_trim",
        chosen.stream().flatMapToInt(choice -> Arrays.stream(choice.centreTrim())).toArray());
    double[] crops = new double[4 * images.size()];
    for (int i = 0; i < images.size(); i++) {
      var crop = KohyaSelection.crop(chosen.get(i).bucket(), images.get(i));
      double[] edges = {crop.left(), crop.top(), crop.right(), crop.bottom()};
      System.arraycopy(edges, 0, crops, 4 * i, 4);
    }
    golden.expect("crop_ltrb", crops, proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/sdxl-buckets-and-conditioning")
  void equals_the_tables_and_the_size_conditioning_of_sdxl(GoldenCase golden, Proof proof) {
    List<Resolution> paper = new BucketDesign.Sdxl().buckets();
    switch (golden.text("kind")) {
      case "table" -> {
        golden.expect(
            "table_hw", sides(paper.stream().map(AspectRatioBucketingTest::tall).toList()));
        golden.expect("pixels", paper.stream().mapToInt(b -> (int) b.pixels()).toArray());
        golden.expect(
            "aspect_h_over_w", paper.stream().mapToDouble(b -> tall(b).aspect()).toArray(), proof);
      }
      case "table-demo" -> {
        List<Resolution> demo = new BucketDesign.SdxlDemo().buckets();
        golden.expect("table_wh", sides(demo));
        golden.expect(
            "keys",
            demo.stream().mapToDouble(b -> Math.rint(b.aspect() * 100) / 100).toArray(),
            proof);
      }
      case "choose" -> { // by height / width
        var buckets =
            new AspectRatioBuckets(
                paper.stream().map(AspectRatioBucketingTest::tall).toList(),
                Double.POSITIVE_INFINITY);
        golden.expect(
            "bucket_index",
            images(golden).stream().mapToInt(image -> buckets.assign(tall(image))).toArray());
      }
      case "micro-conditioning" -> {
        var conditioning =
            new SizeConditioning(
                tall(resolution(golden, "original_hw")),
                golden.params().get("crop_top_left").get(0).asInt(),
                golden.params().get("crop_top_left").get(1).asInt(),
                tall(resolution(golden, "target_hw")));
        golden.expect("time_ids", conditioning.timeIds(), proof);
        golden.expect("embedding", conditioning.embedding(golden.integer("embed_dim")), proof);
      }
      default -> throw new IllegalArgumentException("unknown kind " + golden.text("kind"));
    }
  }

  /// Width and height exchanged.
  private static Resolution tall(Resolution resolution) {
    return new Resolution(resolution.height(), resolution.width());
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new Resolution(0, 100), "width", "0");
    Refusal.of(() -> new Resolution(100, -1), "height", "-1");
    Refusal.of(() -> new BucketDesign.OneSideFixed(1024, 512, 0), "step", "0");
    Refusal.of(() -> new BucketDesign.OneSideFixed(512, 1024, 64), "minSide", "1024");
    Refusal.of(() -> new BucketDesign.OneSideFixed(1024, 500, 64), "minSide", "500");
    Refusal.of(() -> new BucketDesign.Kohya(new Resolution(16, 16), 256, 1024, 64), "16×16", "64");
    Refusal.of(() -> new AspectRatioBuckets(List.of(), 1), "buckets");
    Refusal.of(() -> new AspectRatioBuckets(NOTES.buckets(), 0), "maxAspectError");
    Refusal.of(() -> epoch(NOTES, new int[] {17}, 4, LastBatch.DROP, 1), "image 0", "17");
    Refusal.of(() -> epoch(NOTES, new int[] {0}, 0, LastBatch.DROP, 1), "batchSize", "0");
    var sliver = new Resolution(1, Integer.MAX_VALUE);
    Refusal.of(() -> CropPlan.cover(sliver, NOTES.base()), "too narrow");
    Refusal.of(
        () -> KohyaSelection.withoutUpscaling(NOTES.base(), 64, new Resolution(10, 500)), "10×500");
    var strict = new AspectRatioBuckets(NOTES.buckets(), 0.5);
    assertThat(strict.assign(new Resolution(10_000, 1))).isEqualTo(AspectRatioBuckets.DROPPED);
    assertThat(strict.assign(new Resolution(1024, 1000))).isEqualTo(16);
  }

  private static double smallestShare(BucketDesign design) {
    return design.buckets().stream().mapToLong(Resolution::pixels).min().orElseThrow()
        / (double) design.base().pixels();
  }

  private static BucketEpoch epoch(
      BucketDesign design, int[] assignment, int batchSize, LastBatch lastBatch, int seed) {
    return new BucketEpoch(
        design.buckets(), design.base(), assignment, batchSize, lastBatch, random(seed));
  }

  private static int[] assignment(BucketDesign design, int count, int seed) {
    RandomGenerator random = random(seed);
    var buckets = AspectRatioBuckets.of(design);
    return IntStream.range(0, count).map(i -> buckets.assign(image(random, 100))).toArray();
  }

  private static Resolution image(RandomGenerator random, int smallest) {
    return new Resolution(random.nextInt(smallest, 4000), random.nextInt(smallest, 4000));
  }

  private static List<Resolution> images(GoldenCase golden) {
    int[] sides = golden.ints("image_sizes_wh");
    return IntStream.range(0, sides.length / 2)
        .mapToObj(i -> new Resolution(sides[2 * i], sides[2 * i + 1]))
        .toList();
  }

  private static Resolution resolution(GoldenCase golden, String param) {
    var sides = golden.params().get(param);
    return new Resolution(sides.get(0).asInt(), sides.get(1).asInt());
  }

  private static int[] sides(List<Resolution> resolutions) {
    return resolutions.stream()
        .flatMapToInt(resolution -> IntStream.of(resolution.width(), resolution.height()))
        .toArray();
  }

  private static double[] errors(AspectRatioBuckets buckets, List<Resolution> images, int[] index) {
    return IntStream.range(0, index.length)
        .mapToDouble(i -> buckets.aspectError(images.get(i), index[i]))
        .toArray();
  }
}
