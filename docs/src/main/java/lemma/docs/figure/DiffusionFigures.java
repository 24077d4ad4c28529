package lemma.docs.figure;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.tensor.Tensor;
import lemma.diffusion.guidance.ClassifierFreeGuidance;
import lemma.diffusion.schedule.NoiseSchedule;
import lemma.diffusion.scheduler.Ddim;
import lemma.diffusion.scheduler.Ddpm;
import lemma.diffusion.scheduler.Denoiser;
import lemma.diffusion.scheduler.NoiseSource;
import lemma.diffusion.scheduler.Sampler;
import lemma.diffusion.scheduler.Scheduler;

/// Figures of the chapters on diffusion and guidance, on data whose exact denoiser is known.
final class DiffusionFigures {
  private static final int PATHS = 8;
  private static final double[][] TWO_VALUES = {{-1}, {1}};

  /// Two classes of three blobs each; the middle ones nearly touch.
  private static final double[][] THIS_CLASS = {{-1.6, 0.9}, {-0.35, 0}, {-1.6, -0.9}};
  private static final double[][] OTHER_CLASS = {{1.6, 0.9}, {0.35, 0}, {1.6, -0.9}};
  private static final int SAMPLES = 160;
  private static final int PANEL = 200;
  private static final double UNIT = 32;

  private DiffusionFigures() {}

  /// Eight walks of DDPM, each step with fresh noise.
  static Figure ddpmTrajectory() {
    return trajectory(
        "Eight walks of DDPM from noise (left) to data that is either −1 or 1, with the exact"
            + " denoiser. Every one of the 1000 steps adds fresh noise, so walks cross until late.",
        schedule -> new Ddpm(schedule),
        1000,
        10);
  }

  /// Eight walks of DDIM without noise from the same starts.
  static Figure ddimTrajectory() {
    return trajectory(
        "Eight walks of DDIM (η = 0) from the same noise to data that is either −1 or 1, in 50"
            + " steps. Nothing random is added: the start decides the end, and walks never cross.",
        schedule -> new Ddim(schedule),
        50,
        1);
  }

  private interface Solver {
    Scheduler on(NoiseSchedule schedule);
  }

  private static Figure trajectory(String caption, Solver solver, int steps, int every) {
    NoiseSchedule schedule = NoiseSchedule.ddpm();
    var model = new KnownMixture(schedule, TWO_VALUES, 0.05);
    NoiseSource noise = NoiseSource.gaussian(random());
    Tensor start = noise.draw(PATHS, 1);
    List<double[]> states = new ArrayList<>(List.of(start.toArray()));
    List<Double> times = new ArrayList<>();
    new Sampler(solver.on(schedule), steps)
        .run(
            model,
            start,
            noise,
            (step, timestep, x) -> {
              if (step % every == 0) times.add(timestep);
              if (step % every == every - 1) states.add(x.toArray());
            });
    times.add(0.0);
    List<Charts.Line> lines = new ArrayList<>();
    for (int path = 0; path < PATHS; path++) {
      int row = path;
      lines.add(
          new Charts.Line(
              "walk " + (path + 1),
              times.stream().mapToDouble(Double::doubleValue).toArray(),
              states.stream().mapToDouble(state -> state[row]).toArray()));
    }
    var option =
        Charts.lines(Charts.Axis.linear("training step t"), Charts.Axis.linear(""), lines);
    option.withObject("/xAxis").put("inverse", true);
    option.withObject("/legend").put("show", false);
    for (var series : option.withArray("/series"))
      ((tools.jackson.databind.node.ObjectNode) series).put("showSymbol", false);
    return new Figure.Chart(caption, option, 320);
  }

  /// Samples of one class at four guidance scales.
  static Figure guidanceGrid() {
    NoiseSchedule schedule = NoiseSchedule.ddpm();
    double[][] both = new double[6][];
    System.arraycopy(THIS_CLASS, 0, both, 0, 3);
    System.arraycopy(OTHER_CLASS, 0, both, 3, 3);
    var conditional = new KnownMixture(schedule, THIS_CLASS, 0.2);
    var unconditional = new KnownMixture(schedule, both, 0.2);
    double[] scales = {0, 1, 3, 8};
    var svg = new StringBuilder();
    for (int panel = 0; panel < scales.length; panel++) {
      Denoiser guided =
          new ClassifierFreeGuidance(scales[panel]).guide(conditional, unconditional);
      double[] points =
          new Sampler(new Ddim(schedule), 50)
              .sample(guided, new int[] {SAMPLES, 2}, random())
              .toArray();
      svg.append(panel(panel, scales[panel], points));
    }
    return new Figure.Drawing(
        "Samples of one class (three blobs on the left; grey: the other class) at four guidance"
            + " scales, with exact denoisers. Scale 0 ignores the class and 1 obeys it. Larger"
            + " scales leave the blob that could be mistaken, and with it some of the variety.",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d 210\" width=\"%d\" font-size=\"14\" fill=\"currentColor\">%s</svg>"
            .formatted(PANEL * scales.length, PANEL * scales.length, svg));
  }

  private static String panel(int panel, double scale, double[] points) {
    double centre = PANEL * (panel + 0.5);
    var svg = new StringBuilder();
    for (double[] mean : THIS_CLASS) svg.append(blob(centre, mean, "var(--accent)"));
    for (double[] mean : OTHER_CLASS) svg.append(blob(centre, mean, "currentColor"));
    svg.append("<g fill=\"var(--accent)\" opacity=\".7\">");
    for (int i = 0; i < points.length; i += 2)
      svg.append(
          String.format(
              Locale.ROOT,
              "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"1.7\"/>",
              centre + UNIT * points[i],
              90 - UNIT * points[i + 1]));
    return svg.append(
            String.format(
                Locale.ROOT,
                "</g><text x=\"%.0f\" y=\"196\" text-anchor=\"middle\">scale %.0f</text>",
                centre,
                scale))
        .toString();
  }

  private static String blob(double centre, double[] mean, String colour) {
    return String.format(
        Locale.ROOT,
        "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"none\" stroke=\"%s\" opacity=\".4\"/>",
        centre + UNIT * mean[0],
        90 - UNIT * mean[1],
        UNIT * 0.4,
        colour);
  }

  private static RandomGenerator random() {
    return RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(11);
  }
}
