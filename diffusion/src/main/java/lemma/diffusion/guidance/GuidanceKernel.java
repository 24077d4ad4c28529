package lemma.diffusion.guidance;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import lemma.core.kernel.Lanes;
import lemma.diffusion.scheduler.Ddim;

/// Guidance and the step after it in one pass over floats.
///
/// ```
/// y = wₓ·x + wₒ·(u + s·(c − u)) = wₓ·x + (wₒ·s)·c + (wₒ·(1 − s))·u
/// ```
///
/// The guided prediction is never written: three reads and one write an element.
public sealed interface GuidanceKernel {

  /// The next state from both predictions, without noise and rescaling; `y` may be `x`.
  ///
  /// @throws IllegalArgumentException if the lengths differ or the weights ask for noise
  void step(
      float[] x,
      float[] conditional,
      float[] unconditional,
      double scale,
      Ddim.Weights weights,
      float[] y);

  /// The fastest form that this JVM can run.
  static GuidanceKernel best() {
    return Lanes.available() ? new Vectorised() : new Scalar();
  }

  private static void check(
      float[] x, float[] conditional, float[] unconditional, Ddim.Weights weights, float[] y) {
    if (conditional.length != x.length || unconditional.length != x.length || y.length != x.length)
      throw new IllegalArgumentException(
          "x, conditional, unconditional and y must have one length, were %d, %d, %d and %d"
              .formatted(x.length, conditional.length, unconditional.length, y.length));
    if (weights.noise() != 0)
      throw new IllegalArgumentException("noise is needed, its weight is " + weights.noise());
  }

  /// The plain loop.
  record Scalar() implements GuidanceKernel {
    @Override
    public void step(
        float[] x,
        float[] conditional,
        float[] unconditional,
        double scale,
        Ddim.Weights weights,
        float[] y) {
      check(x, conditional, unconditional, weights, y);
      float ofX = (float) weights.x();
      float ofConditional = (float) (weights.output() * scale);
      float ofUnconditional = (float) (weights.output() * (1 - scale));
      for (int i = 0; i < y.length; i++)
        y[i] = ofX * x[i] + ofConditional * conditional[i] + ofUnconditional * unconditional[i];
    }
  }

  /// Fused multiply-adds over the lanes.
  record Vectorised() implements GuidanceKernel {
    private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;

    @Override
    public void step(
        float[] x,
        float[] conditional,
        float[] unconditional,
        double scale,
        Ddim.Weights weights,
        float[] y) {
      check(x, conditional, unconditional, weights, y);
      float ofX = (float) weights.x();
      float ofConditional = (float) (weights.output() * scale);
      float ofUnconditional = (float) (weights.output() * (1 - scale));
      var wideConditional = FloatVector.broadcast(LANES, ofConditional);
      var wideUnconditional = FloatVector.broadcast(LANES, ofUnconditional);
      int i = 0;
      for (int bound = LANES.loopBound(y.length); i < bound; i += LANES.length()) {
        var sum = FloatVector.fromArray(LANES, x, i).mul(ofX);
        sum = FloatVector.fromArray(LANES, conditional, i).fma(wideConditional, sum);
        FloatVector.fromArray(LANES, unconditional, i).fma(wideUnconditional, sum).intoArray(y, i);
      }
      for (; i < y.length; i++)
        y[i] = ofX * x[i] + ofConditional * conditional[i] + ofUnconditional * unconditional[i];
    }
  }
}
