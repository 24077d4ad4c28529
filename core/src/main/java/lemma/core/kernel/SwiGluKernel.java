package lemma.core.kernel;

import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/// The gate of a feed-forward layer, in place.
///
/// ```
/// gateᵢ ← upᵢ · gateᵢ / (1 + e^(−gateᵢ))
/// ```
public sealed interface SwiGluKernel {

  /// Gates the elements `from` to `to`, not included.
  ///
  /// @throws IndexOutOfBoundsException if an array is too short
  void apply(float[] gate, float[] up, int from, int to);

  /// The fastest form that this JVM can run.
  static SwiGluKernel best() {
    return Lanes.available() ? new Vectorised() : new Scalar();
  }

  private static void loop(float[] gate, float[] up, int from, int to) {
    for (int i = from; i < to; i++) gate[i] = up[i] * (float) (gate[i] / (1 + Math.exp(-gate[i])));
  }

  private static void check(float[] gate, float[] up, int from, int to) {
    Objects.checkFromToIndex(from, to, gate.length);
    Objects.checkFromToIndex(from, to, up.length);
  }

  /// One element after the other, in double.
  record Scalar() implements SwiGluKernel {
    @Override
    public void apply(float[] gate, float[] up, int from, int to) {
      check(gate, up, from, to);
      loop(gate, up, from, to);
    }
  }

  /// As many as there are lanes.
  record Vectorised() implements SwiGluKernel {
    private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;

    @Override
    public void apply(float[] gate, float[] up, int from, int to) {
      check(gate, up, from, to);
      int i = from;
      for (; i + LANES.length() <= to; i += LANES.length()) {
        var x = FloatVector.fromArray(LANES, gate, i);
        var silu = x.div(VectorMath.exp(x.neg()).add(1));
        silu.mul(FloatVector.fromArray(LANES, up, i)).intoArray(gate, i);
      }
      loop(gate, up, i, to);
    }
  }
}
