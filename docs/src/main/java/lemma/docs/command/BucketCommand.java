package lemma.docs.command;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.random.RandomGeneratorFactory;
import lemma.diffusion.bucketing.AspectRatioBuckets;
import lemma.diffusion.bucketing.BucketDesign;
import lemma.diffusion.bucketing.BucketEpoch;
import lemma.diffusion.bucketing.CropPlan;
import lemma.diffusion.bucketing.Resolution;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// Puts a list of image sizes into buckets and says what each would train on.
@Command(
    description = {
      "Assigns images to aspect-ratio buckets: how many each bucket gets, what cropping costs,",
      "and how many full batches an epoch has."
    })
final class BucketCommand implements Callable<Integer> {

  /// The designs by the names of the command line.
  enum Design {
    NOTES(new BucketDesign.OneSideFixed(1024, 512, 64)),
    NOVELAI(BucketDesign.NovelAi.published()),
    NOVELAI_1024(
        new BucketDesign.NovelAi(
            new Resolution(1024, 1024), 64, 512, 2048, new Resolution(1024, 1024))),
    KOHYA(new BucketDesign.Kohya(new Resolution(1024, 1024), 256, 2048, 64)),
    SDXL(new BucketDesign.Sdxl());

    final BucketDesign buckets;

    Design(BucketDesign buckets) {
      this.buckets = buckets;
    }
  }

  @Parameters(
      paramLabel = "SIZES.csv",
      description = "a line for each image: width,height (further columns are ignored)")
  private Path sizes;

  @Option(
      names = "--design",
      defaultValue = "sdxl",
      description = "${COMPLETION-CANDIDATES} (default: sdxl)")
  private Design design;

  @Option(names = "--batch", defaultValue = "8", description = "images in a batch (default: 8)")
  private int batchSize;

  @Option(
      names = "--max-aspect-error",
      defaultValue = "Infinity",
      description = "drop images whose aspect is further than this from every bucket's")
  private double maxAspectError;

  @Option(names = "--seed", defaultValue = "1", description = "of the epoch's draws (default: 1)")
  private long seed;

  @Option(names = "--json", description = "print JSON")
  private boolean json;

  @Spec private CommandSpec spec;

  private record Line(
      int width, int height, int images, double share, double meanCrop, double worstCrop) {}

  private record Report(
      String design, int images, int dropped, int batches, int remaining, List<Line> buckets) {}

  @Override
  public Integer call() throws IOException {
    List<Resolution> images = read(sizes);
    var buckets = new AspectRatioBuckets(design.buckets.buckets(), maxAspectError);
    int[] assignment = images.stream().mapToInt(buckets::assign).toArray();
    Report report = report(images, buckets.buckets(), assignment);
    PrintWriter out = spec.commandLine().getOut();
    if (json)
      out.println(
          JsonMapper.builder()
              .enable(SerializationFeature.INDENT_OUTPUT)
              .build()
              .writeValueAsString(report));
    else print(report, out);
    return Lemma.OK;
  }

  private Report report(List<Resolution> images, List<Resolution> buckets, int[] assignment) {
    int[] counts = new int[buckets.size()];
    double[] crops = new double[buckets.size()];
    double[] worst = new double[buckets.size()];
    int dropped = 0;
    for (int i = 0; i < assignment.length; i++) {
      int bucket = assignment[i];
      if (bucket == AspectRatioBuckets.DROPPED) {
        dropped++;
        continue;
      }
      double crop = CropPlan.cover(images.get(i), buckets.get(bucket)).removedFraction();
      counts[bucket]++;
      crops[bucket] += crop;
      worst[bucket] = Math.max(worst[bucket], crop);
    }
    List<Line> lines = new ArrayList<>();
    for (int bucket = 0; bucket < counts.length; bucket++)
      if (counts[bucket] > 0)
        lines.add(
            new Line(
                buckets.get(bucket).width(),
                buckets.get(bucket).height(),
                counts[bucket],
                (double) counts[bucket] / (images.size() - dropped),
                crops[bucket] / counts[bucket],
                worst[bucket]));
    var epoch =
        new BucketEpoch(
            buckets,
            design.buckets.base(),
            assignment,
            batchSize,
            BucketEpoch.LastBatch.SMALLER,
            RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(seed));
    int remaining = epoch.left(BucketEpoch.REMAINING);
    int batches = 0;
    for (; epoch.hasNext(); batches++) epoch.next();
    return new Report(
        design.name().toLowerCase(java.util.Locale.ROOT),
        images.size(),
        dropped,
        batches,
        remaining,
        lines);
  }

  private static void print(Report report, PrintWriter out) {
    var table = new Table("bucket", "aspect", "images", "share", "mean crop", "worst crop");
    for (Line line : report.buckets())
      table.row(
          line.width() + "×" + line.height(),
          "%.3f".formatted((double) line.width() / line.height()),
          line.images(),
          percent(line.share()),
          percent(line.meanCrop()),
          percent(line.worstCrop()));
    out.print(table);
    out.printf(
        "%d images, %d dropped, %d in the remaining bucket, %d batches an epoch%n",
        report.images(), report.dropped(), report.remaining(), report.batches());
  }

  private static String percent(double share) {
    return "%.1f %%".formatted(100 * share);
  }

  /// Reads `width,height` lines; a first line that is no number is a header.
  private static List<Resolution> read(Path file) throws IOException {
    List<Resolution> images = new ArrayList<>();
    try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      int number = 0;
      for (String line; (line = lines.readLine()) != null; ) {
        number++;
        if (line.isBlank()) continue;
        String[] cells =
            Arrays.stream(line.split(",", 3)).map(String::strip).toArray(String[]::new);
        if (number == 1 && !cells[0].matches("-?\\d+")) continue;
        images.add(resolution(cells, file, number));
      }
    }
    if (images.isEmpty())
      throw new IllegalArgumentException(file + ": no sizes; expected lines of width,height");
    return images;
  }

  private static Resolution resolution(String[] cells, Path file, int number) {
    try {
      if (cells.length >= 2)
        return new Resolution(Integer.parseInt(cells[0]), Integer.parseInt(cells[1]));
    } catch (NumberFormatException e) {
      // said below, like too few cells
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ":" + number + ": " + e.getMessage(), e);
    }
    throw new IllegalArgumentException(
        "%s:%d: expected width,height, was \"%s\""
            .formatted(file, number, String.join(",", cells)));
  }
}
