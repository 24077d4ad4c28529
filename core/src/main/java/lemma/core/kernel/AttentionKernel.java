package lemma.core.kernel;

import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/// One query head looks at the keys of its text: a step of decoding.
///
/// ```
/// sₚ  = scale · ⟨q, kₚ⟩                     first ≤ p < last
/// out = Σₚ softmax(s)ₚ · vₚ
/// ```
///
/// Key p begins at `keys[offset + p·stride]`, its value likewise: a cache with one row for each
/// position, in which this head has `headDim` neighbouring elements.
public sealed interface AttentionKernel {

  /// Writes `headDim` elements of `out`; `last − first` elements of `scores` are scratch.
  ///
  /// @throws IndexOutOfBoundsException if an array is too short or there is no key
  void apply(
      float[] q,
      int qFrom,
      float[] keys,
      float[] values,
      int offset,
      int stride,
      int headDim,
      int first,
      int last,
      float scale,
      float[] scores,
      int scoresFrom,
      float[] out,
      int outFrom);

  /// The fastest form that this JVM can run.
  static AttentionKernel best() {
    return Lanes.available() ? new Vectorised() : new Scalar();
  }

  private static void check(
      float[] q,
      int qFrom,
      float[] keys,
      float[] values,
      int offset,
      int stride,
      int headDim,
      int first,
      int last,
      float[] scores,
      int scoresFrom,
      float[] out,
      int outFrom) {
    Objects.checkFromIndexSize(qFrom, headDim, q.length);
    Objects.checkFromIndexSize(outFrom, headDim, out.length);
    Objects.checkIndex(first, last); // at least one key
    Objects.checkFromIndexSize(scoresFrom, last - first, scores.length);
    long lastKey = offset + (long) (last - 1) * stride;
    Objects.checkFromIndexSize(lastKey, headDim, (long) keys.length);
    Objects.checkFromIndexSize(lastKey, headDim, (long) values.length);
  }

  /// Plain loops, sums in double.
  record Scalar() implements AttentionKernel {
    @Override
    public void apply(
        float[] q,
        int qFrom,
        float[] keys,
        float[] values,
        int offset,
        int stride,
        int headDim,
        int first,
        int last,
        float scale,
        float[] scores,
        int scoresFrom,
        float[] out,
        int outFrom) {
      check(
          q,
          qFrom,
          keys,
          values,
          offset,
          stride,
          headDim,
          first,
          last,
          scores,
          scoresFrom,
          out,
          outFrom);
      int count = last - first;
      int firstKey = offset + first * stride;
      float largest = Float.NEGATIVE_INFINITY;
      for (int p = 0; p < count; p++) {
        double sum = 0;
        for (int c = 0; c < headDim; c++)
          sum += (double) q[qFrom + c] * keys[firstKey + p * stride + c];
        scores[scoresFrom + p] = (float) (scale * sum);
        largest = Math.max(largest, scores[scoresFrom + p]);
      }
      double total = 0;
      for (int p = scoresFrom; p < scoresFrom + count; p++) {
        scores[p] = (float) Math.exp(scores[p] - largest);
        total += scores[p];
      }
      for (int c = 0; c < headDim; c++) {
        double sum = 0;
        for (int p = 0; p < count; p++)
          sum += (double) scores[scoresFrom + p] * values[firstKey + p * stride + c];
        out[outFrom + c] = (float) (sum / total);
      }
    }
  }

  /// Lanes along the head for the scores and the mixture, along the positions for the softmax.
  record Vectorised() implements AttentionKernel {
    private static final VectorSpecies<Float> LANES = FloatVector.SPECIES_PREFERRED;
    private static final int STEP = LANES.length();

    @Override
    public void apply(
        float[] q,
        int qFrom,
        float[] keys,
        float[] values,
        int offset,
        int stride,
        int headDim,
        int first,
        int last,
        float scale,
        float[] scores,
        int scoresFrom,
        float[] out,
        int outFrom) {
      check(
          q,
          qFrom,
          keys,
          values,
          offset,
          stride,
          headDim,
          first,
          last,
          scores,
          scoresFrom,
          out,
          outFrom);
      int count = last - first;
      int firstKey = offset + first * stride;
      for (int p = 0; p < count; p++)
        scores[scoresFrom + p] = scale * dot(q, qFrom, keys, firstKey + p * stride, headDim);
      float total = exponentials(scores, scoresFrom, scoresFrom + count);
      int c = 0;
      for (; c + STEP <= headDim; c += STEP)
        mixture(scores, scoresFrom, count, values, firstKey + c, stride)
            .div(total)
            .intoArray(out, outFrom + c);
      for (; c < headDim; c++) {
        double sum = 0;
        for (int p = 0; p < count; p++)
          sum += (double) scores[scoresFrom + p] * values[firstKey + p * stride + c];
        out[outFrom + c] = (float) (sum / total);
      }
    }

    private static float dot(float[] a, int aFrom, float[] b, int bFrom, int length) {
      var lanes = FloatVector.zero(LANES);
      int c = 0;
      for (; c + STEP <= length; c += STEP)
        lanes =
            FloatVector.fromArray(LANES, a, aFrom + c)
                .fma(FloatVector.fromArray(LANES, b, bFrom + c), lanes);
      float sum = lanes.reduceLanes(VectorOperators.ADD);
      for (; c < length; c++) sum += a[aFrom + c] * b[bFrom + c];
      return sum;
    }

    /// scores ← e^(scores − max), and their sum.
    private static float exponentials(float[] scores, int first, int last) {
      var most = FloatVector.broadcast(LANES, Float.NEGATIVE_INFINITY);
      int p = first;
      for (; p + STEP <= last; p += STEP) most = most.max(FloatVector.fromArray(LANES, scores, p));
      float largest = most.reduceLanes(VectorOperators.MAX);
      for (; p < last; p++) largest = Math.max(largest, scores[p]);
      var lanes = FloatVector.zero(LANES);
      for (p = first; p + STEP <= last; p += STEP) {
        var each =
            FloatVector.fromArray(LANES, scores, p).sub(largest).lanewise(VectorOperators.EXP);
        each.intoArray(scores, p);
        lanes = lanes.add(each);
      }
      float total = lanes.reduceLanes(VectorOperators.ADD);
      for (; p < last; p++) {
        scores[p] = (float) Math.exp(scores[p] - largest);
        total += scores[p];
      }
      return total;
    }

    /// Σₚ scoreₚ · valueₚ for the lanes that begin at `at`.
    private static FloatVector mixture(
        float[] scores, int from, int count, float[] values, int at, int stride) {
      var even = FloatVector.zero(LANES);
      var odd = FloatVector.zero(LANES);
      int p = 0;
      for (; p + 2 <= count; p += 2) {
        var score0 = FloatVector.broadcast(LANES, scores[from + p]);
        var score1 = FloatVector.broadcast(LANES, scores[from + p + 1]);
        even = FloatVector.fromArray(LANES, values, at + p * stride).fma(score0, even);
        odd = FloatVector.fromArray(LANES, values, at + (p + 1) * stride).fma(score1, odd);
      }
      if (p < count) {
        var score = FloatVector.broadcast(LANES, scores[from + p]);
        even = FloatVector.fromArray(LANES, values, at + p * stride).fma(score, even);
      }
      return even.add(odd);
    }
  }
}
