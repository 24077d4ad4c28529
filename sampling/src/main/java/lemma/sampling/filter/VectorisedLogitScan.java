package lemma.sampling.filter;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/// [LogitScan] on vector lanes.
public record VectorisedLogitScan() implements LogitScan {
  private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;
  private static final int STEP = LANES.length();

  /// A running sum is NaN as soon as one logit is: cheaper than asking each. (It is also NaN for
  /// +∞ − ∞, which is refused as well, and for sums that overflow both ways, which are looked at
  /// again.)
  @Override
  public float maxima(float[] logits, float[] maxima) {
    int chunk = LogitScan.chunk(logits.length);
    float max = Float.NEGATIVE_INFINITY;
    boolean nan = false;
    for (int c = 0, from = 0; from < logits.length; c++, from += chunk) {
      int to = Math.min(from + chunk, logits.length);
      var max0 = FloatVector.broadcast(LANES, Float.NEGATIVE_INFINITY);
      var max1 = FloatVector.broadcast(LANES, Float.NEGATIVE_INFINITY);
      var sum0 = FloatVector.zero(LANES);
      var sum1 = FloatVector.zero(LANES);
      int i = from;
      for (; i <= to - 4 * STEP; i += 4 * STEP) {
        var x0 = FloatVector.fromArray(LANES, logits, i);
        var x1 = FloatVector.fromArray(LANES, logits, i + STEP);
        var x2 = FloatVector.fromArray(LANES, logits, i + 2 * STEP);
        var x3 = FloatVector.fromArray(LANES, logits, i + 3 * STEP);
        max0 = larger(max0, larger(x0, x1));
        max1 = larger(max1, larger(x2, x3));
        sum0 = sum0.add(x0).add(x1);
        sum1 = sum1.add(x2).add(x3);
      }
      float top = larger(max0, max1).reduceLanes(VectorOperators.MAX);
      float sum = sum0.add(sum1).reduceLanes(VectorOperators.ADD);
      for (; i < to; i++) {
        if (logits[i] > top) top = logits[i];
        sum += logits[i];
      }
      nan |= Float.isNaN(sum);
      maxima[c] = top;
      max = Math.max(max, top);
    }
    return LogitScan.checked(logits, max, nan);
  }

  /// The larger of each lane, without the care for NaN and −0 that makes `max` three times slower.
  private static FloatVector larger(FloatVector a, FloatVector b) {
    return a.blend(b, b.compare(VectorOperators.GT, a));
  }

  /// Float sums over 512 logits, which are then added in double.
  @Override
  public double mass(float[] logits, int from, int to, float max, double temperature) {
    var exp = new VectorExp(temperature);
    double sum = 0;
    int i = from;
    while (i <= to - 2 * STEP) {
      int end = Math.min(to - 2 * STEP, i + 512 - 2 * STEP);
      var sum0 = FloatVector.zero(LANES);
      var sum1 = FloatVector.zero(LANES);
      for (; i <= end; i += 2 * STEP) {
        sum0 = sum0.add(exp.ofMinus(below(logits, i, max)));
        sum1 = sum1.add(exp.ofMinus(below(logits, i + STEP, max)));
      }
      sum += sum0.add(sum1).reduceLanes(VectorOperators.ADD);
    }
    for (; i < to; i++) sum += Weight.of(logits[i], max, temperature);
    return sum;
  }

  /// max − x
  private static FloatVector below(float[] logits, int from, float max) {
    return FloatVector.broadcast(LANES, max).sub(FloatVector.fromArray(LANES, logits, from));
  }

  @Override
  public void gather(float[] logits, int from, int to, float threshold, Candidates candidates) {
    int i = from;
    for (; i <= to - STEP; i += STEP) {
      VectorMask<Float> hit =
          FloatVector.fromArray(LANES, logits, i).compare(VectorOperators.GE, threshold);
      for (long bits = hit.toLong(); bits != 0; bits &= bits - 1) {
        int token = i + Long.numberOfTrailingZeros(bits);
        candidates.add(token, logits[token]);
      }
    }
    for (; i < to; i++) if (logits[i] >= threshold) candidates.add(i, logits[i]);
  }

  @Override
  public void softmax(float[] logits, double temperature, float[] probabilities) {
    LogitScan.checkTemperature(temperature);
    float max = max(logits);
    var exp = new VectorExp(temperature);
    double sum = 0;
    int i = 0;
    int bound = LANES.loopBound(logits.length);
    while (i < bound) {
      int end = Math.min(bound, i + 512);
      var part = FloatVector.zero(LANES);
      for (; i < end; i += STEP) {
        var weight = exp.ofMinusOrZero(below(logits, i, max));
        weight.intoArray(probabilities, i);
        part = part.add(weight);
      }
      sum += part.reduceLanes(VectorOperators.ADD);
    }
    for (; i < logits.length; i++)
      sum += probabilities[i] = (float) Weight.of(logits[i], max, temperature);
    float scale = (float) (1 / sum);
    for (i = 0; i < bound; i += STEP)
      FloatVector.fromArray(LANES, probabilities, i).mul(scale).intoArray(probabilities, i);
    for (; i < logits.length; i++) probabilities[i] *= scale;
  }

  private static float max(float[] logits) {
    var max0 = FloatVector.broadcast(LANES, Float.NEGATIVE_INFINITY);
    var max1 = FloatVector.broadcast(LANES, Float.NEGATIVE_INFINITY);
    var sum0 = FloatVector.zero(LANES);
    var sum1 = FloatVector.zero(LANES);
    int i = 0;
    for (; i <= logits.length - 2 * STEP; i += 2 * STEP) {
      var x0 = FloatVector.fromArray(LANES, logits, i);
      var x1 = FloatVector.fromArray(LANES, logits, i + STEP);
      max0 = larger(max0, x0);
      max1 = larger(max1, x1);
      sum0 = sum0.add(x0);
      sum1 = sum1.add(x1);
    }
    float max = larger(max0, max1).reduceLanes(VectorOperators.MAX);
    float sum = sum0.add(sum1).reduceLanes(VectorOperators.ADD);
    for (; i < logits.length; i++) {
      if (logits[i] > max) max = logits[i];
      sum += logits[i];
    }
    return LogitScan.checked(logits, max, Float.isNaN(sum));
  }
}
