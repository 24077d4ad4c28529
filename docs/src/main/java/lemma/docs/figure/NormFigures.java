package lemma.docs.figure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGeneratorFactory;
import lemma.core.block.InitialGradients;
import lemma.core.norm.LayerNorm;
import lemma.core.norm.NormPlacement;

/// Figures of the chapter on normalisation.
final class NormFigures {
  private static final int DIM = 16;
  private static final int STARTS = 8;
  private static final int[] DEPTHS = {1, 2, 4, 8, 16, 32, 64};

  private NormFigures() {}

  /// The gradient at both ends of a stack, over its depth.
  static Figure gradientDepth() {
    LayerNorm norm = LayerNorm.plain(DIM, 1e-5);
    Map<String, NormPlacement> placements = new LinkedHashMap<>();
    placements.put("pre-norm", new NormPlacement.Pre(norm::apply));
    placements.put("post-norm", new NormPlacement.Post(norm::apply));
    List<Charts.Line> lines = new ArrayList<>();
    placements.forEach((name, placement) -> {
      double[] depth = new double[DEPTHS.length];
      double[] first = new double[DEPTHS.length];
      double[] last = new double[DEPTHS.length];
      for (int i = 0; i < DEPTHS.length; i++) {
        var random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(1);
        var gradients = InitialGradients.of(DEPTHS[i], DIM, placement, STARTS, random);
        depth[i] = DEPTHS[i];
        first[i] = gradients.first();
        last[i] = gradients.last();
      }
      lines.add(new Charts.Line(name + ", first layer", depth, first));
      lines.add(new Charts.Line(name + ", last layer", depth, last));
    });
    return new Figure.Chart(
        "Length of the gradient at the first and last layer before training, in stacks of width 16. With"
            + " pre-norm the first keeps it and the last loses with the root of depth; with post-norm"
            + " the last keeps it and the first loses.",
        Charts.lines(Charts.Axis.log("layers"), Charts.Axis.log("length of the gradient"), lines),
        340);
  }
}
