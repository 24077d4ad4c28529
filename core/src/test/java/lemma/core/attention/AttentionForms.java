package lemma.core.attention;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.floats;
import static lemma.proof.Numbers.gaussian;

import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.core.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/// Every form of attention behind one face, for the proofs of this package.
final class AttentionForms {
  // A float score is a sum of up to 128 products, off by a few 1e-7 of its terms; exp turns that
  // into a relative error of the weights.
  static final double FLOAT = 5e-6;

  private AttentionForms() {}

  /// One task: `q [heads, queries, headDim]`, `k` and `v [keyValueHeads, keys, headDim]`; the
  /// queries are the last of the text.
  record Problem(GroupedQuery layer, Tensor q, Tensor k, Tensor v, AttentionMask.Interval mask) {

    static Problem random(
        int heads,
        int keyValueHeads,
        int queries,
        int keys,
        int headDim,
        AttentionMask.Interval mask,
        RandomGenerator random) {
      return new Problem(
          new GroupedQuery(heads, keyValueHeads, ScaledDotProduct.of(headDim)),
          rounded(random, heads, queries, headDim),
          rounded(random, keyValueHeads, keys, headDim),
          rounded(random, keyValueHeads, keys, headDim),
          mask);
    }

    private static Tensor rounded(RandomGenerator random, int a, int b, int c) {
      return Tensor.of(single(a * b * c, random), a, b, c);
    }

    Problem with(Tensor k, Tensor v) {
      return new Problem(layer, q, k, v, mask);
    }

    int queries() {
      return q.size(1);
    }

    int keys() {
      return k.size(1);
    }

    int headDim() {
      return q.size(2);
    }

    /// 1 where a query must not look, `[queries, keys]`.
    Tensor hidden() {
      return mask instanceof AttentionMask.Bidirectional
          ? Tensor.zeros(queries(), keys())
          : mask.hidden(queries(), keys(), keys() - queries());
    }
  }

  /// Gaussian numbers that a float holds exactly.
  static double[] single(int count, RandomGenerator random) {
    return doubles(floats(gaussian(count, random)));
  }

  interface Form {
    /// `[heads, queries, headDim]`
    Tensor apply(Problem problem);
  }

  record NamedForm(String name, Form form, double tolerance) {
    double[] apply(Problem problem) {
      return form.apply(problem).toArray();
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<NamedForm> all() {
    return Stream.of(
        new NamedForm("formula", AttentionForms::formula, 1e-13),
        new NamedForm("online", AttentionForms::online, 1e-13),
        new NamedForm("scalar", problem -> kernel(new AttentionKernel.Scalar(), problem), FLOAT),
        new NamedForm("vectorised", problem -> kernel(vectorised(), problem), FLOAT),
        new NamedForm("nd4j", AttentionForms::nd4j, FLOAT));
  }

  static AttentionKernel vectorised() {
    return new VectorisedAttentionKernel();
  }

  static Tensor formula(Problem p) {
    return p.layer().apply(p.q(), p.k(), p.v(), p.hidden());
  }

  /// Blocks of three keys through [OnlineSoftmax].
  private static Tensor online(Problem p) {
    Tensor hidden = p.hidden();
    double[] output = new double[p.q().count()];
    int dim = p.headDim();
    for (int head = 0; head < p.layer().heads(); head++)
      for (int t = 0; t < p.queries(); t++) {
        int group = head / p.layer().groupSize();
        var state = OnlineSoftmax.start(dim);
        for (int from = 0; from < p.keys(); from += 3) {
          int to = Math.min(p.keys(), from + 3);
          double[] scores = new double[to - from];
          double[][] values = new double[to - from][dim];
          for (int j = from; j < to; j++) {
            double dot = 0;
            for (int d = 0; d < dim; d++) dot += p.q().get(head, t, d) * p.k().get(group, j, d);
            scores[j - from] =
                hidden.get(t, j) == 1 ? Double.NEGATIVE_INFINITY : p.layer().attention().score(dot);
            for (int d = 0; d < dim; d++) values[j - from][d] = p.v().get(group, j, d);
          }
          state = state.absorb(scores, values);
        }
        System.arraycopy(state.result(), 0, output, (head * p.queries() + t) * dim, dim);
      }
    return Tensor.of(output, p.q().shape());
  }

  static KeyValues keyValues(Problem p) {
    return new KeyValues.Arrays(
        floats(p.k().toArray()),
        floats(p.v().toArray()),
        p.layer().keyValueHeads(),
        p.keys(),
        p.headDim());
  }

  static Tensor kernel(AttentionKernel kernel, Problem p) {
    return kernel(kernel, p, keyValues(p));
  }

  static Tensor kernel(AttentionKernel kernel, Problem p, KeyValues past) {
    float[] q = floats(p.q().transpose(0, 1).toArray()); // [queries, heads, headDim]
    float[] output = new float[q.length];
    Arrays.fill(output, Float.NaN); // whatever is not written shows
    kernel.apply(p.layer(), p.mask(), q, p.queries(), past, output);
    return Tensor.of(doubles(output), p.queries(), p.layer().heads(), p.headDim()).transpose(0, 1);
  }

  private static Tensor nd4j(Problem p) {
    int groups = p.layer().keyValueHeads();
    int rows = p.layer().groupSize() * p.queries();
    if (p.layer().attention().softCap() < Double.POSITIVE_INFINITY) return formula(p); // has no cap
    int dim = p.headDim();
    double[] hidden = p.hidden().toArray();
    float[] tiled = new float[groups * rows * p.keys()];
    for (int i = 0; i < tiled.length; i++) tiled[i] = (float) hidden[i % hidden.length];
    try (INDArray q = Nd4j.create(floats(p.q().toArray()), new int[] {groups, rows, dim}, 'c');
        INDArray k = Nd4j.create(floats(p.k().toArray()), p.k().shape(), 'c');
        INDArray v = Nd4j.create(floats(p.v().toArray()), p.v().shape(), 'c');
        INDArray mask = Nd4j.create(tiled, new int[] {groups, rows, p.keys()}, 'c');
        INDArray output =
            new ScaledDotProductNd4j(p.layer().attention().scale()).apply(q, k, v, mask)) {
      return Tensor.of(output.dup('c').data().asDouble(), p.q().shape());
    }
  }

  /// The same keys and values in blocks of `size`, last block first: what a paged cache looks like.
  record Pages(KeyValues.Arrays whole, int size) implements KeyValues {
    @Override
    public int heads() {
      return whole.heads();
    }

    @Override
    public int headDim() {
      return whole.headDim();
    }

    @Override
    public int length() {
      return whole.length();
    }

    @Override
    public int blocks() {
      return (whole.length() + size - 1) / size;
    }

    @Override
    public Block block(int head, int index) {
      int first = (blocks() - 1 - index) * size;
      int from = (head * whole.length() + first) * whole.headDim();
      int rows = Math.min(size, whole.length() - first);
      return new Block(whole.keys(), from, whole.values(), from, rows, first);
    }
  }

  /// The masks that both the formula and the kernels know.
  static List<AttentionMask.Interval> masks() {
    return List.of(
        new AttentionMask.Causal(),
        new AttentionMask.Bidirectional(),
        new AttentionMask.Prefix(3),
        new AttentionMask.SlidingWindow(1),
        new AttentionMask.SlidingWindow(70),
        new AttentionMask.SinkWindow(3, 5),
        new AttentionMask.SinkWindow(66, 1),
        new AttentionMask.Neighbourhood(2),
        new AttentionMask.Chunked(5));
  }
}
