package lemma.diffusion.glyph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import lemma.diffusion.glyph.GlyphDataset.Batch;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayNameGeneration(ReplaceUnderscores.class)
class GlyphDatasetTest {

  private static final int SIZE = 24;
  private static final int AREA = SIZE * SIZE;
  private static final GlyphDataset DATA = new GlyphDataset(SIZE, 42);

  @Test
  void the_same_seed_gives_the_same_pixels_and_another_seed_gives_others() {
    GlyphDataset twin = new GlyphDataset(SIZE, 42);
    GlyphDataset other = new GlyphDataset(SIZE, 43);
    double[] pixels = DATA.batch(50, DATA.trainRandom()).pixels();

    assertThat(twin.batch(50, twin.trainRandom()).pixels()).isEqualTo(pixels);
    assertThat(other.batch(50, other.trainRandom()).pixels()).isNotEqualTo(pixels);
    assertThat(DATA.heldOut(50).pixels()).isEqualTo(twin.heldOut(50).pixels());
  }

  @Test
  void a_training_stream_goes_on_where_it_stood() {
    RandomGenerator random = DATA.trainRandom();
    Batch first = DATA.batch(10, random);
    Batch second = DATA.batch(10, random);

    assertThat(second.pixels()).isNotEqualTo(first.pixels());
  }

  @Test
  void the_held_out_stream_shares_no_number_with_the_training_stream() {
    long[] train = DATA.trainRandom().longs(10_000).sorted().toArray();
    long[] heldOut = DATA.heldOutRandom().longs(10_000).toArray();

    assertThat(Arrays.stream(heldOut).noneMatch(v -> Arrays.binarySearch(train, v) >= 0)).isTrue();
  }

  @Test
  void no_held_out_image_is_a_training_image() {
    double[][] train = images(DATA.batch(1000, DATA.trainRandom()));
    double[][] heldOut = images(DATA.heldOut(1000));

    for (double[] image : heldOut) {
      assertThat(Arrays.stream(train).noneMatch(t -> Arrays.equals(t, image))).isTrue();
    }
  }

  @Test
  void a_longer_held_out_set_begins_with_the_shorter_one_and_holds_every_class_equally() {
    Batch shorter = DATA.heldOut(36);
    Batch longer = DATA.heldOut(72);

    assertThat(Arrays.copyOf(longer.pixels(), 36 * AREA)).isEqualTo(shorter.pixels());
    assertThat(shorter.labels()).isEqualTo(IntStream.range(0, 36).toArray());
  }

  @Test
  void a_training_batch_draws_the_classes_uniformly() {
    int count = 3600;
    int[] perClass = new int[GlyphClass.COUNT];
    for (int label : new GlyphDataset(8, 1).batch(count, DATA.trainRandom()).labels()) {
      perClass[label]++;
    }
    // 100 expected, standard deviation √(3600 · 1/36 · 35/36) = 9.9: five of them either way
    assertThat(perClass).hasSize(36);
    assertThat(IntStream.of(perClass).summaryStatistics().getMin()).isGreaterThan(50);
    assertThat(IntStream.of(perClass).summaryStatistics().getMax()).isLessThan(150);
  }

  @Test
  void pixels_lie_between_minus_one_and_one_and_the_outermost_ring_is_black() {
    for (int size : new int[] {20, 24, 32, 57}) { // the margin of 5 % is at least one pixel
      Batch batch = new GlyphDataset(size, 7).heldOut(360);
      assertThat(DoubleStream.of(batch.pixels()).allMatch(v -> v >= -1 && v <= 1)).isTrue();
      for (double[] image : images(batch)) {
        for (int i = 0; i < size; i++) {
          assertThat(image[i]).isEqualTo(-1); // top
          assertThat(image[(size - 1) * size + i]).isEqualTo(-1); // bottom
          assertThat(image[i * size]).isEqualTo(-1); // left
          assertThat(image[i * size + size - 1]).isEqualTo(-1); // right
        }
      }
    }
  }

  @Test
  void the_widest_style_is_shrunk_until_it_fits() {
    GlyphStyle huge =
        new GlyphStyle(1, 0.5, 1, 4, 30, 1, -1, 0.5, 3, GlyphStyle.Tips.SQUARE, false);
    for (GlyphClass glyph : GlyphClass.all()) {
      double[] image = new GlyphRenderer(SIZE).draw(glyph, huge);
      assertThat(DoubleStream.of(image).max().orElseThrow()).isGreaterThan(0);
      for (int i = 0; i < SIZE; i++) {
        assertThat(image[i]).isEqualTo(-1);
        assertThat(image[i * SIZE + SIZE - 1]).isEqualTo(-1);
      }
    }
  }

  @Test
  void every_image_has_ink_but_is_mostly_ground() {
    for (double[] image : images(DATA.heldOut(720))) {
      double ink = DoubleStream.of(image).map(v -> (v + 1) / 2).average().orElseThrow();
      assertThat(ink).isBetween(0.03, 0.5);
    }
  }

  @Test
  void a_plain_letter_looks_like_itself() {
    double[] pixels = new GlyphRenderer(16).draw(GlyphClass.of('R'), GlyphStyle.PLAIN);
    StringBuilder picture = new StringBuilder();
    for (int i = 0; i < pixels.length; i++) {
      picture.append(pixels[i] > 0 ? '#' : '.').append(i % 16 == 15 ? "\n" : "");
    }
    assertThat(picture.toString())
        .isEqualTo(
            """
            ................
            ....#####.......
            ....#######.....
            ....#....##.....
            ....#.....##....
            ....#.....##....
            ....#.....##....
            ....#######.....
            ....######......
            ....#...##......
            ....#...##......
            ....#....##.....
            ....#.....##....
            ....#.....##....
            ....#......#....
            ................
            """);
  }

  @Test
  void black_and_white_stand_at_the_ends_of_the_range() {
    // the stem of a broad I, three pixels wide or more, has fully covered pixels in its middle
    GlyphStyle broad = new GlyphStyle(0, 0.25, 0.72, 1, 0, 0, 0, 0, 0, GlyphStyle.Tips.BUTT, false);
    double[] image = new GlyphRenderer(SIZE).draw(GlyphClass.of('I'), broad);

    // 1 up to the rounding of a sum of sixteen terms
    assertThat(image[12 * SIZE + 12]).isCloseTo(1, within(1e-12));
    assertThat(image[12 * SIZE + 2]).isEqualTo(-1);
  }

  @Test
  void ink_is_stroke_length_times_stroke_width() {
    // A butt I of height h is two bars of 0.52 h and a stem of h; they share w / 2 at each end.
    int size = 200;
    double h = 0.7 * size;
    double w = 0.1 * h;
    GlyphStyle style = new GlyphStyle(0, 0.1, 0.7, 1, 0, 0, 0, 0, 0, GlyphStyle.Tips.BUTT, false);
    double ink =
        DoubleStream.of(new GlyphRenderer(size).draw(GlyphClass.of('I'), style))
            .map(v -> (v + 1) / 2)
            .sum();
    // horizontal edges may be off by half a scan line of 1/16 pixel on each of four edges of 0.52 h
    assertThat(ink).isCloseTo(w * (2 * 0.52 * h + h - w), within(4 * 0.52 * h / 32 + 1e-3 * w * h));
  }

  @Test
  void a_hollow_glyph_is_the_rim_of_the_solid_one() {
    GlyphRenderer renderer = new GlyphRenderer(SIZE);
    for (GlyphClass glyph : GlyphClass.all()) {
      double[] solid = renderer.draw(glyph, broad(false));
      double[] hollow = renderer.draw(glyph, broad(true));
      double inkSolid = DoubleStream.of(solid).map(v -> v + 1).sum();
      double inkHollow = DoubleStream.of(hollow).map(v -> v + 1).sum();

      assertThat(IntStream.range(0, AREA).allMatch(i -> hollow[i] <= solid[i])).isTrue();
      assertThat(inkHollow / inkSolid).isBetween(0.4, 0.8);
    }
  }

  /// A pixel that is black in one and white in the other adds 2² = 4: at least ten such pixels.
  @Test
  void no_two_plain_glyphs_are_alike() {
    GlyphRenderer renderer = new GlyphRenderer(SIZE);
    for (GlyphClass a : GlyphClass.all()) {
      for (GlyphClass b : GlyphClass.all()) {
        if (a.label() < b.label()) {
          double[] x = renderer.draw(a, GlyphStyle.PLAIN);
          double[] y = renderer.draw(b, GlyphStyle.PLAIN);
          assertThat(squaredDistance(x, y)).as("%s and %s", a, b).isGreaterThan(10 * 4);
        }
      }
    }
  }

  /// Once each image is moved to its centre of mass, the nearest of 36 mean images already names
  /// most held-out images (chance: 3 %): styles vary, classes stay apart.
  @Test
  void the_nearest_mean_image_recognises_held_out_glyphs() {
    Batch train = DATA.batch(3600, DATA.trainRandom());
    double[][] means = new double[GlyphClass.COUNT][AREA];
    int[] counts = new int[GlyphClass.COUNT];
    double[][] trainImages = images(train);
    for (int i = 0; i < train.count(); i++) {
      counts[train.labels()[i]]++;
      double[] mean = means[train.labels()[i]];
      double[] image = centred(trainImages[i]);
      Arrays.setAll(mean, k -> mean[k] + image[k]);
    }
    for (int c = 0; c < means.length; c++) {
      double[] mean = means[c];
      int n = counts[c];
      Arrays.setAll(mean, k -> mean[k] / n);
    }

    Batch heldOut = DATA.heldOut(1080);
    double[][] testImages = images(heldOut);
    int right = 0;
    for (int i = 0; i < heldOut.count(); i++) {
      double[] image = centred(testImages[i]);
      int nearest = 0;
      for (int c = 1; c < means.length; c++) {
        if (squaredDistance(image, means[c]) < squaredDistance(image, means[nearest])) {
          nearest = c;
        }
      }
      right += nearest == heldOut.labels()[i] ? 1 : 0;
    }
    assertThat((double) right / heldOut.count()).isGreaterThan(0.8);
  }

  @Test
  void a_png_holds_the_pixels_and_replaces_the_old_file(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("glyphs.png");
    Files.writeString(file, "old");
    double[] pixels = {-1, 0, 1, 7, -1, -7}; // two pictures of 3 × 1, the second beyond the range
    PixelImages.writePng(PixelImages.grid(pixels, 3, 1, 1, 1, 2), file);

    BufferedImage read = ImageIO.read(file.toFile());
    assertThat(new int[] {read.getWidth(), read.getHeight()}).containsExactly(10, 10);
    int[][] cells = new int[5][5];
    for (int y = 0; y < 10; y++) {
      for (int x = 0; x < 10; x++) {
        cells[y / 2][x / 2] = read.getRaster().getSample(x, y, 0);
      }
    }
    assertThat(cells)
        .isDeepEqualTo(
            new int[][] {
              {64, 64, 64, 64, 64},
              {64, 0, 128, 255, 64},
              {64, 64, 64, 64, 64},
              {64, 255, 0, 0, 64},
              {64, 64, 64, 64, 64},
            });
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(file); // no temporary file is left
    }
  }

  @Test
  void a_missing_folder_is_an_error_and_leaves_nothing(@TempDir Path folder) {
    Path file = folder.resolve("missing").resolve("glyphs.png");
    BufferedImage image = PixelImages.image(new double[] {0}, 1, 1);

    assertThatThrownBy(() -> PixelImages.writePng(image, file))
        .isInstanceOf(NoSuchFileException.class);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void labels_and_symbols_are_two_names_of_one_class() {
    assertThat(GlyphClass.all())
        .allSatisfy(glyph -> assertThat(GlyphClass.of(glyph.symbol())).isEqualTo(glyph));
    assertThat(GlyphClass.of('0').label()).isZero();
    assertThat(GlyphClass.of('A').label()).isEqualTo(10);
    assertThat(GlyphClass.of('Z').label()).isEqualTo(35);
  }

  @Test
  void bad_input_is_refused_with_its_value() {
    refused("was 36", () -> new GlyphClass(36));
    refused("was -1", () -> new GlyphClass(-1));
    refused("'a' (U+0061)", () -> GlyphClass.of('a'));
    refused("imageSize must be between 8 and 1024, was 7", () -> new GlyphDataset(7, 1));
    refused("count must be between 1", () -> DATA.batch(0, DATA.trainRandom()));
    refused("was 2147483647", () -> DATA.heldOut(Integer.MAX_VALUE));
    refused("size must be between 0.1 and 1.0, was NaN", () -> styled(Double.NaN));
    refused("[1, 1, 2, 2] for 1 labels, was [3]", () -> new Batch(2, new double[3], new int[1]));
    refused("[5] must be a whole number", () -> PixelImages.image(new double[5], 2, 2));
    refused("columns 0", () -> PixelImages.grid(new double[4], 2, 2, 0, 1, 1));
    refused("at most", () -> PixelImages.grid(new double[4], 2, 2, 1, 1, 1 << 30));
    refused("NaN", () -> PixelImages.image(new double[] {Double.NaN}, 1, 1));
  }

  private static void refused(String message, ThrowingCallable call) {
    assertThatIllegalArgumentException().isThrownBy(call).withMessageContaining(message);
  }

  private static GlyphStyle styled(double size) {
    return new GlyphStyle(0, 0.1, size, 1, 0, 0, 0, 0, 0, GlyphStyle.Tips.ROUND, false);
  }

  private static GlyphStyle broad(boolean hollow) {
    return new GlyphStyle(0, 0.26, 0.8, 1, 0, 0, 0, 0, 0, GlyphStyle.Tips.ROUND, hollow);
  }

  private static double[][] images(Batch batch) {
    int area = batch.imageSize() * batch.imageSize();
    return IntStream.range(0, batch.count())
        .mapToObj(i -> Arrays.copyOfRange(batch.pixels(), i * area, (i + 1) * area))
        .toArray(double[][]::new);
  }

  /// The image moved by whole pixels so that its centre of mass is in the middle.
  private static double[] centred(double[] image) {
    double mass = 0;
    double sumX = 0;
    double sumY = 0;
    for (int i = 0; i < AREA; i++) {
      double ink = (image[i] + 1) / 2;
      mass += ink;
      sumX += ink * (i % SIZE);
      sumY += ink * Math.floorDiv(i, SIZE);
    }
    int dx = (int) Math.round((SIZE - 1) / 2.0 - sumX / mass);
    int dy = (int) Math.round((SIZE - 1) / 2.0 - sumY / mass);
    double[] moved = new double[AREA];
    Arrays.fill(moved, -1);
    for (int y = Math.max(0, dy); y < SIZE + Math.min(0, dy); y++) {
      for (int x = Math.max(0, dx); x < SIZE + Math.min(0, dx); x++) {
        moved[y * SIZE + x] = image[(y - dy) * SIZE + x - dx];
      }
    }
    return moved;
  }

  private static double squaredDistance(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return sum;
  }
}
