package lemma.core.kernel;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.floats;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.core.attention.AttentionKernel;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.GroupedQuery;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.attention.VectorisedAttentionKernel;
import lemma.core.cache.ContiguousKvCache;
import lemma.core.format.ElementType;
import lemma.core.format.FloatFormat;
import lemma.core.format.StoredTensor;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// The kernels under the fast decoder.
@Proves("decoder-models")
class MatVecKernelTest {

  static Stream<MatVecKernel> kernels() {
    return Stream.of(new MatVecKernel.Scalar(), new VectorisedMatVecKernel());
  }

  private static WeightMatrix matrix(
      int rows, int columns, FloatFormat format, RandomGenerator random) {
    var stored =
        StoredTensor.of("w", gaussian(rows * columns, random), new int[] {rows, columns}, format);
    MemorySegment bytes = Arena.ofAuto().allocate(Math.max(1, stored.bytes().byteSize()));
    return new WeightMatrix(
        bytes.asSlice(0, stored.bytes().byteSize()).copyFrom(stored.bytes()),
        stored.type(),
        rows,
        columns);
  }

  @Claim("mat-vec")
  @ParameterizedTest
  @MethodSource("kernels")
  void product_equals_the_formula(MatVecKernel kernel, Proof proof) {
    RandomGenerator random = random(1);
    for (FloatFormat format : FloatFormat.values())
      for (int columns : new int[] {1, 7, 8, 15, 16, 17, 33, 64, 100, 1000})
        for (int vectors : new int[] {1, 2, 4, 7, 8}) {
          int rows = 1 + random.nextInt(9);
          WeightMatrix w = matrix(rows, columns, format, random);
          float[] x = floats(gaussian(vectors * columns, random));
          float[] y = new float[vectors * rows];
          kernel.apply(w, x, y, vectors, 0, rows);
          double[] wide = new double[rows * columns];
          for (int i = 0; i < wide.length; i++) wide[i] = w.get(i / columns, i % columns);
          Tensor formula =
              Tensor.of(doubles(x), vectors, columns)
                  .matmulTransposed(Tensor.of(wide, rows, columns));
          // as many roundings as a lane adds numbers, of partial sums no larger than Σ|w·x|
          proof.atMost("relative gap", relativeGap(doubles(y), formula.toArray()), 2e-5);
        }
  }

  @Claim("mat-vec")
  @ParameterizedTest
  @MethodSource("kernels")
  void an_element_has_the_same_bits_whatever_is_computed_beside_it(MatVecKernel kernel) {
    RandomGenerator random = random(2);
    for (FloatFormat format : FloatFormat.values()) {
      WeightMatrix w = matrix(13, 150, format, random);
      float[] x = floats(gaussian(9 * 150, random));
      float[] whole = new float[9 * 13];
      kernel.apply(w, x, whole, 9, 0, 13);
      for (int from = 0; from < 13; from++)
        for (int to = from + 1; to <= 13; to++) {
          float[] part = new float[whole.length];
          kernel.apply(w, x, part, 9, from, to);
          for (int i = 0; i < part.length; i++)
            assertThat(part[i]).isEqualTo(i % 13 >= from && i % 13 < to ? whole[i] : 0);
        }
      for (int v = 0; v < 9; v++) {
        float[] single = new float[13];
        kernel.apply(w, Arrays.copyOfRange(x, v * 150, (v + 1) * 150), single, 1, 0, 13);
        assertThat(single).isEqualTo(Arrays.copyOfRange(whole, v * 13, (v + 1) * 13));
      }
    }
  }

  @Claim("widening")
  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void lanes_widen_every_pattern_exactly(FloatFormat format) {
    MemorySegment bytes = Arena.ofAuto().allocate(2 * 0x10000L);
    for (int bits = 0; bits < 0x10000; bits++)
      bytes.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * bits, (short) bits);
    int columns = 64; // one pattern of each row meets a 1, the others a 0
    WeightMatrix w =
        new WeightMatrix(bytes, ElementType.valueOf(format.name()), 0x10000 / columns, columns);
    for (int column = 0; column < columns; column++) {
      float[] x = new float[columns];
      x[column] = 1;
      float[] y = new float[w.rows()];
      new VectorisedMatVecKernel().apply(w, x, y, 1, 0, w.rows());
      for (int row = 0; row < w.rows(); row++) {
        boolean finite = true;
        for (int j = 0; j < columns; j++) finite &= Float.isFinite(w.get(row, j));
        if (finite) assertThat(y[row]).isEqualTo(w.get(row, column));
        else assertThat(y[row]).as("0 · ∞ is not a number").isNaN();
      }
    }
  }

  @Claim("attention-step")
  @Test
  void a_step_of_attention_equals_the_formula(Proof proof) {
    RandomGenerator random = random(3);
    for (int headDim : new int[] {2, 8, 16, 20, 64})
      for (int keys : new int[] {1, 2, 15, 16, 17, 70}) {
        var layer = new GroupedQuery(6, 2, ScaledDotProduct.of(headDim));
        float[] q = floats(gaussian(6 * headDim, random));
        float[] k = floats(gaussian(keys * 2 * headDim, random));
        float[] v = floats(gaussian(keys * 2 * headDim, random));
        var cache = new ContiguousKvCache(2, headDim, 100);
        cache.append(k, v, keys);
        double[] wanted =
            layer
                .apply(
                    Tensor.of(doubles(q), 6, 1, headDim),
                    Tensor.of(doubles(k), keys, 2, headDim).transpose(0, 1),
                    Tensor.of(doubles(v), keys, 2, headDim).transpose(0, 1),
                    new AttentionMask.Causal())
                .toArray();
        for (AttentionKernel kernel :
            List.of(new AttentionKernel.Scalar(), new VectorisedAttentionKernel())) {
          float[] out = new float[6 * headDim];
          kernel.apply(layer, new AttentionMask.Causal(), q, 1, cache, out);
          proof.atMost("relative gap", relativeGap(doubles(out), wanted), 5e-6);
        }
      }
  }

  @Claim("swiglu-step")
  @Test
  void a_gate_equals_the_formula(Proof proof) {
    RandomGenerator random = random(4);
    float[] gate = floats(gaussian(1003, random));
    gate[0] = 100;
    gate[1] = -100;
    gate[2] = 0;
    float[] up = floats(gaussian(gate.length, random));
    double[] wanted = Tensor.vector(doubles(gate)).silu().mul(Tensor.vector(doubles(up))).toArray();
    for (SwiGluKernel kernel :
        new SwiGluKernel[] {new SwiGluKernel.Scalar(), new SwiGluKernel.Vectorised()}) {
      float[] y = gate.clone();
      kernel.apply(y, up, 0, 500);
      kernel.apply(y, up, 500, y.length);
      for (int i = 0; i < y.length; i++) // element by element: one exponential and three roundings
      proof.atMost(
            "relative error",
            Math.abs(y[i] - wanted[i]) / Math.max(Math.abs(wanted[i]), 1e-30),
            1e-6);
    }
  }

  @Claim("gelu-step")
  @Test
  void a_gelu_equals_the_formula(Proof proof) {
    float[] x = floats(gaussian(1003, random(6)));
    x[0] = 100;
    x[1] = -100;
    x[2] = 0;
    for (int i = 3; i < 40; i++) x[i] *= 5;
    double[] wanted = Tensor.vector(doubles(x)).geluTanh().toArray();
    for (GeluKernel kernel :
        new GeluKernel[] {new GeluKernel.Scalar(), new GeluKernel.Vectorised()}) {
      float[] y = x.clone();
      kernel.apply(y, 0, 500);
      kernel.apply(y, 500, y.length);
      // against the input's size: to the left of −4 the formula itself loses digits, 1 + tanh
      for (int i = 0; i < y.length; i++)
        proof.atMost(
            "error relative to x",
            Math.abs(y[i] - wanted[i]) / Math.max(Math.abs(x[i]), 1e-30),
            1e-6);
    }
  }

  @Claim("threads")
  @Test
  void workers_do_every_row_once_and_pass_on_what_fails() {
    for (int threads = 1; threads <= 4; threads++)
      try (var workers = new Workers(threads)) {
        for (int count : new int[] {0, 1, 2, 3, 7, 1000}) {
          var done = new AtomicIntegerArray(count);
          for (int round = 0; round < 50; round++)
            workers.run(
                count,
                (from, to) -> {
                  for (int i = from; i < to; i++) done.incrementAndGet(i);
                });
          for (int i = 0; i < count; i++) assertThat(done.get(i)).isEqualTo(50);
        }
        assertThatThrownBy(() ->
                workers.run(
                    100,
                    (from, to) -> {
                      if (to == 100) throw new IllegalStateException("row 99");
                    }))
            .hasMessageContaining("row 99");
      }
    var closed = new Workers(3);
    closed.close();
    var after = new AtomicIntegerArray(1);
    closed.run(10, (from, to) -> after.addAndGet(0, to - from));
    assertThat(after.get(0)).as("a closed team works alone").isEqualTo(10);
    Refusal.of(() -> new Workers(0), "threads", "0");
  }

  @Claim("bad-input")
  @Test
  void operands_that_are_too_short_are_refused() {
    WeightMatrix w = matrix(4, 6, FloatFormat.F32, random(5));
    for (MatVecKernel kernel : kernels().toList()) {
      float[] x = new float[6];
      float[] y = new float[4];
      for (Runnable call :
          new Runnable[] {
            () -> kernel.apply(w, new float[5], y, 1, 0, 4),
            () -> kernel.apply(w, x, new float[3], 1, 0, 4),
            () -> kernel.apply(w, x, y, 2, 0, 4),
            () -> kernel.apply(w, x, y, 1, 0, 5),
            () -> kernel.apply(w, x, y, 1, -1, 4)
          }) assertThatThrownBy(call::run).isInstanceOf(IndexOutOfBoundsException.class);
    }
    Refusal.of(
        () -> new WeightMatrix(MemorySegment.ofArray(new byte[23]), ElementType.F16, 3, 4),
        "23",
        "F16",
        "[3, 4]");
  }
}
