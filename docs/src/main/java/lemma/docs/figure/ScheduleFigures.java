package lemma.docs.figure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import lemma.diffusion.schedule.BetaSchedule;
import lemma.diffusion.schedule.FlowShift;
import lemma.diffusion.schedule.NoiseSchedule;

/// Figures of the chapter on noise schedules.
final class ScheduleFigures {
  private static final int STEPS = 1000;
  private static final int EVERY = 5;

  private ScheduleFigures() {}

  /// How much of the signal's power is left at each training step.
  static Figure noiseSchedules() {
    return new Figure.Chart(
        "What is left of the image's power, ᾱ, at each of 1000 training steps. The cosine schedule"
            + " keeps the middle steps useful; only zero-terminal SNR ends in pure noise.",
        Charts.lines(
            Charts.Axis.linear("training step t"),
            Charts.Axis.linear("ᾱ"),
            lines(NoiseSchedule::alphaBar)),
        340);
  }

  /// The same as a signal-to-noise ratio, by powers of ten.
  static Figure noiseScheduleSnr() {
    return new Figure.Chart(
        "Signal-to-noise ratio ᾱ / (1 − ᾱ) over the training steps, by powers of ten. It falls at"
            + " every step of every schedule; where zero-terminal SNR reaches 0 the line ends.",
        Charts.lines(
            Charts.Axis.linear("training step t"),
            Charts.Axis.log("SNR"),
            lines((schedule, t) -> schedule.snr(t) > 0 ? schedule.snr(t) : Double.NaN)),
        340);
  }

  private static List<Charts.Line> lines(BiFunction<NoiseSchedule, Integer, Double> value) {
    var stable = new BetaSchedule.ScaledLinear(0.00085, 0.012);
    Map<String, NoiseSchedule> schedules = new LinkedHashMap<>();
    schedules.put("linear (DDPM)", NoiseSchedule.of(new BetaSchedule.Linear(1e-4, 0.02), STEPS));
    schedules.put("scaled linear (Stable Diffusion)", NoiseSchedule.of(stable, STEPS));
    schedules.put("cosine", NoiseSchedule.of(new BetaSchedule.Cosine(), STEPS));
    schedules.put("sigmoid", NoiseSchedule.of(new BetaSchedule.Sigmoid(1e-4, 0.02), STEPS));
    schedules.put("zero-terminal SNR", NoiseSchedule.of(stable, STEPS).zeroTerminalSnr());
    List<Charts.Line> lines = new ArrayList<>();
    schedules.forEach((name, schedule) -> {
      int count = STEPS / EVERY + 1; // every fifth step, and the last
      double[] x = new double[count];
      double[] y = new double[count];
      for (int i = 0; i < count; i++) {
        int t = Math.min(i * EVERY, STEPS - 1);
        x[i] = t;
        y[i] = value.apply(schedule, t);
      }
      lines.add(new Charts.Line(name, x, y));
    });
    return lines;
  }

  /// How a shift moves the noise levels of a flow towards the noisy end.
  static Figure flowShift() {
    List<Charts.Line> lines = new ArrayList<>();
    for (double shift : new double[] {1, 1.5, 3, 6}) {
      var map = new FlowShift(shift);
      double[] x = new double[101];
      for (int i = 0; i < x.length; i++) x[i] = i / 100.0;
      String name =
          shift == 1 ? "no shift" : "shift " + (shift % 1 == 0 ? (int) shift + "" : shift);
      lines.add(new Charts.Line(name, x, map.sigmas(x)));
    }
    return new Figure.Chart(
        "Noise level σ that a flow model sees at time t. A larger shift spends more of the steps at"
            + " high noise, as large images need.",
        Charts.lines(Charts.Axis.linear("time t"), Charts.Axis.linear("noise level σ"), lines),
        340);
  }
}
