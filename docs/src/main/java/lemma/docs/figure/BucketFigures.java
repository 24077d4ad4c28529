package lemma.docs.figure;

import java.util.List;
import lemma.diffusion.bucketing.BucketDesign;
import lemma.diffusion.bucketing.Resolution;

/// Figures of aspect-ratio bucketing.
final class BucketFigures {
  private BucketFigures() {}

  /// Every bucket of three designs, by its width and height.
  static Figure bucketMap() {
    var million = new Resolution(1024, 1024);
    List<Charts.Line> designs =
        List.of(
            points("one side fixed (the notes)", new BucketDesign.OneSideFixed(1024, 512, 64)),
            points("NovelAI at 1024²", new BucketDesign.NovelAi(million, 64, 512, 2048, million)),
            points("SDXL", new BucketDesign.Sdxl()));
    return new Figure.Chart(
        "Buckets of three designs by width and height. NovelAI's and SDXL's lie along the curve of"
            + " constant area; with one side fixed the area falls towards the corners.",
        Charts.points(Charts.Axis.linear("width"), Charts.Axis.linear("height"), designs),
        420);
  }

  private static Charts.Line points(String name, BucketDesign design) {
    List<Resolution> buckets = design.buckets();
    return new Charts.Line(
        name,
        buckets.stream().mapToDouble(Resolution::width).toArray(),
        buckets.stream().mapToDouble(Resolution::height).toArray());
  }
}
