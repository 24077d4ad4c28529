package lemma.diffusion.scheduler;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import lemma.core.kernel.Lanes;

/// A [Ddim] step of floats in one pass: y = wₓ·x + wₒ·output + w_z·noise.
///
/// Reads each array once and writes `y` once, without temporaries: bound by memory, like a copy.
public sealed interface DdimKernel {

  /// The step without noise; `y` may be `x`.
  ///
  /// @throws IllegalArgumentException if the lengths differ or the weights ask for noise
  void step(float[] x, float[] output, Ddim.Weights weights, float[] y);

  /// The step with noise; `y` may be `x`.
  ///
  /// @throws IllegalArgumentException if the lengths differ
  void step(float[] x, float[] output, float[] noise, Ddim.Weights weights, float[] y);

  /// The fastest form that this JVM can run.
  static DdimKernel best() {
    return Lanes.available() ? new Vectorised() : new Scalar();
  }

  private static void check(float[] x, float[] output, float[] noise, float[] y) {
    if (output.length != x.length || noise.length != x.length || y.length != x.length)
      throw new IllegalArgumentException(
          "x, output, noise and y must have one length, were %d, %d, %d and %d"
              .formatted(x.length, output.length, noise.length, y.length));
  }

  private static void checkNoNoise(Ddim.Weights weights) {
    if (weights.noise() != 0)
      throw new IllegalArgumentException("noise is needed, its weight is " + weights.noise());
  }

  /// The plain loop.
  record Scalar() implements DdimKernel {
    @Override
    public void step(float[] x, float[] output, Ddim.Weights weights, float[] y) {
      check(x, output, x, y);
      checkNoNoise(weights);
      float ofX = (float) weights.x();
      float ofOutput = (float) weights.output();
      for (int i = 0; i < y.length; i++) y[i] = ofX * x[i] + ofOutput * output[i];
    }

    @Override
    public void step(float[] x, float[] output, float[] noise, Ddim.Weights weights, float[] y) {
      check(x, output, noise, y);
      float ofX = (float) weights.x();
      float ofOutput = (float) weights.output();
      float ofNoise = (float) weights.noise();
      for (int i = 0; i < y.length; i++)
        y[i] = ofX * x[i] + ofOutput * output[i] + ofNoise * noise[i];
    }
  }

  /// Fused multiply-adds over the lanes.
  record Vectorised() implements DdimKernel {
    private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;

    @Override
    public void step(float[] x, float[] output, Ddim.Weights weights, float[] y) {
      check(x, output, x, y);
      checkNoNoise(weights);
      float ofX = (float) weights.x();
      float ofOutput = (float) weights.output();
      var wideOutput = FloatVector.broadcast(LANES, ofOutput);
      int i = 0;
      for (int bound = LANES.loopBound(y.length); i < bound; i += LANES.length())
        FloatVector.fromArray(LANES, output, i)
            .fma(wideOutput, FloatVector.fromArray(LANES, x, i).mul(ofX))
            .intoArray(y, i);
      for (; i < y.length; i++) y[i] = ofX * x[i] + ofOutput * output[i];
    }

    @Override
    public void step(float[] x, float[] output, float[] noise, Ddim.Weights weights, float[] y) {
      check(x, output, noise, y);
      float ofX = (float) weights.x();
      float ofOutput = (float) weights.output();
      float ofNoise = (float) weights.noise();
      var wideOutput = FloatVector.broadcast(LANES, ofOutput);
      var wideNoise = FloatVector.broadcast(LANES, ofNoise);
      int i = 0;
      for (int bound = LANES.loopBound(y.length); i < bound; i += LANES.length()) {
        var sum = FloatVector.fromArray(LANES, x, i).mul(ofX);
        sum = FloatVector.fromArray(LANES, output, i).fma(wideOutput, sum);
        FloatVector.fromArray(LANES, noise, i).fma(wideNoise, sum).intoArray(y, i);
      }
      for (; i < y.length; i++) y[i] = ofX * x[i] + ofOutput * output[i] + ofNoise * noise[i];
    }
  }
}
