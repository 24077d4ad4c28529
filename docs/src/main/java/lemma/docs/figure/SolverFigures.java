package lemma.docs.figure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lemma.core.tensor.Tensor;
import lemma.diffusion.schedule.SigmaSpacing;
import lemma.diffusion.scheduler.DpmSolver;
import lemma.diffusion.scheduler.Euler;
import lemma.diffusion.scheduler.Heun;
import lemma.diffusion.scheduler.LinearMultistep;
import lemma.diffusion.scheduler.NoiseSource;
import lemma.diffusion.scheduler.SigmaSolver;
import lemma.diffusion.scheduler.UniPc;
import lemma.diffusion.score.GaussianMixture;

/// Figures of the chapter on solvers.
final class SolverFigures {
  private static final GaussianMixture DATA =
      new GaussianMixture(
          new double[] {0.4, 0.6}, new double[][] {{-1}, {2}}, new double[] {0.2, 0.5});
  private static final double NOISIEST = 14.6;
  private static final double CLEANEST = 0.03;
  private static final int POINTS = 25;

  private SolverFigures() {}

  /// The error of each solver over the calls of the network that it was given.
  static Figure errorOverCalls() {
    Map<String, SigmaSolver> solvers = new LinkedHashMap<>();
    solvers.put("Euler = DDIM", new Euler());
    solvers.put("Heun", new Heun());
    solvers.put("LMS 4", new LinearMultistep());
    solvers.put("DPM-Solver++ 2M", new DpmSolver(2).withFinal(false, false));
    solvers.put("UniPC 2", new UniPc(DpmSolver.Target.DATA, 2, UniPc.Scale.EXPONENTIAL, false));
    List<Charts.Line> lines = new ArrayList<>();
    int[] calls = {6, 8, 10, 14, 20, 28, 40, 56, 80, 112, 160};
    solvers.forEach((name, solver) -> {
      double[] x = new double[calls.length];
      double[] y = new double[calls.length];
      for (int i = 0; i < calls.length; i++) {
        x[i] = calls[i];
        y[i] = error(solver, solver instanceof Heun ? calls[i] / 2 : calls[i]);
      }
      lines.add(new Charts.Line(name, x, y));
    });
    return new Figure.Chart(
        "Root mean square distance to the exact end of the probability flow of a mixture of two"
            + " Gaussians, Karras levels from σ = 14.6 to 0.03. The slope is the order; Heun pays two"
            + " calls a stride.",
        Charts.lines(Charts.Axis.log("calls of the network"), Charts.Axis.log("error"), lines),
        340);
  }

  private static double error(SigmaSolver solver, int strides) {
    double[] sigmas = new SigmaSpacing.Karras().levels(new double[strides + 1], NOISIEST, CLEANEST);
    double[] starts = new double[POINTS];
    for (int i = 0; i < POINTS; i++) starts[i] = NOISIEST * (i - POINTS / 2) / 6.0;
    SigmaSolver.Walk walk = solver.start(sigmas);
    Tensor y = Tensor.of(starts, POINTS, 1);
    while (!walk.done()) y = walk.step(y, (at, sigma) -> DATA.x0(at, 1, sigma), NoiseSource.none());
    double squares = 0;
    for (int i = 0; i < POINTS; i++) {
      double gap = y.get(i, 0) - DATA.flow(starts[i], NOISIEST, CLEANEST);
      squares += gap * gap;
    }
    return Math.sqrt(squares / POINTS);
  }
}
