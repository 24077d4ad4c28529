package lemma.core.kernel;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.floats;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.core.format.BlockFormat;
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

/// Products with matrices that stay in their blocks.
@Proves("gguf-quants")
class BlockMatVecTest {

  static Stream<MatVecKernel> kernels() {
    return Stream.of(new MatVecKernel.Scalar(), new VectorisedMatVecKernel());
  }

  private static WeightMatrix quantised(
      int rows, int columns, BlockFormat format, RandomGenerator random) {
    int[] shape = {rows, columns};
    return matrix(StoredTensor.of("w", gaussian(rows * columns, random), shape, format));
  }

  /// The bytes where those of a mapped file are: outside of the heap, at an odd address.
  private static WeightMatrix matrix(StoredTensor stored) {
    long size = stored.bytes().byteSize();
    MemorySegment bytes = Arena.ofAuto().allocate(size + 1).asSlice(1, size);
    return WeightMatrix.of(
        new StoredTensor(
            stored.name(), stored.type(), stored.shape(), bytes.copyFrom(stored.bytes())));
  }

  private static double[] decodedWeights(WeightMatrix w) {
    float[] data = new float[w.rows() * w.columns()];
    for (int i = 0; i < w.rows(); i++) w.row(i, data, i * w.columns());
    return doubles(data);
  }

  /// The same weights as floats.
  private static WeightMatrix decoded(WeightMatrix w) {
    int[] shape = {w.rows(), w.columns()};
    return matrix(StoredTensor.of("w", decodedWeights(w), shape, FloatFormat.F32));
  }

  @Claim("agreement")
  @ParameterizedTest
  @EnumSource
  void every_kernel_agrees_with_the_product_of_the_decoded_weights(
      BlockFormat format, Proof proof) {
    RandomGenerator random = random(1);
    for (int blocks = 1; blocks <= 5; blocks++)
      for (int vectors : new int[] {1, 2, 4, 5, 17}) {
        int columns = blocks * format.blockSize();
        WeightMatrix w = quantised(1 + random.nextInt(6), columns, format, random);
        float[] x = floats(gaussian(vectors * columns, random));
        Tensor wide = Tensor.of(decodedWeights(w), w.rows(), w.columns());
        double[] wanted = Tensor.of(doubles(x), vectors, columns).matmulTransposed(wide).toArray();
        kernels()
            .forEach(kernel -> {
              float[] y = new float[vectors * w.rows()];
              kernel.apply(w, x, y, vectors, 0, w.rows());
              // one rounding for each product that a lane adds up
              proof.atMost("relative gap", relativeGap(doubles(y), wanted), 5e-6);
            });
      }
  }

  @Claim("in-blocks")
  @ParameterizedTest
  @EnumSource
  void products_in_the_blocks_have_the_bits_of_the_decoded_matrix(BlockFormat format) {
    RandomGenerator random = random(2);
    for (int blocks = 1; blocks <= 4; blocks++) {
      WeightMatrix w = quantised(7, blocks * format.blockSize(), format, random);
      WeightMatrix twin = decoded(w);
      for (int vectors : new int[] {1, 3, 4})
        kernels()
            .forEach(kernel -> {
              float[] x = floats(gaussian(vectors * w.columns(), random));
              float[] got = new float[vectors * 7];
              float[] wanted = new float[vectors * 7];
              kernel.apply(w, x, got, vectors, 0, 7);
              kernel.apply(twin, x, wanted, vectors, 0, 7);
              assertThat(got).isEqualTo(wanted);
            });
    }
  }

  @Claim("threads")
  @ParameterizedTest
  @EnumSource
  void an_element_has_the_same_bits_whatever_is_computed_beside_it(BlockFormat format) {
    RandomGenerator random = random(3);
    int columns = 3 * format.blockSize();
    WeightMatrix w = quantised(9, columns, format, random);
    float[] x = floats(gaussian(19 * columns, random));
    for (MatVecKernel kernel : kernels().toList()) {
      float[] whole = new float[19 * 9];
      kernel.apply(w, x, whole, 19, 0, 9);
      for (int row = 0; row < 9; row += 2) {
        float[] part = new float[whole.length];
        kernel.apply(w, x, part, 19, row, Math.min(row + 2, 9));
        for (int i = 0; i < part.length; i++)
          assertThat(part[i]).isEqualTo(i % 9 == row || i % 9 == row + 1 ? whole[i] : 0);
      }
      for (int v = 0; v < 19; v++) {
        float[] single = new float[9];
        kernel.apply(w, Arrays.copyOfRange(x, v * columns, (v + 1) * columns), single, 1, 0, 9);
        assertThat(single).isEqualTo(Arrays.copyOfRange(whole, v * 9, (v + 1) * 9));
      }
    }
  }

  @Claim("agreement")
  @ParameterizedTest
  @EnumSource
  void one_weight_is_that_of_its_row(BlockFormat format) {
    WeightMatrix w = quantised(3, 2 * format.blockSize(), format, random(4));
    float[] row = new float[w.columns()];
    for (int i = 0; i < 3; i++) {
      w.row(i, row, 0);
      for (int j = 0; j < row.length; j++) assertThat(w.get(i, j)).isEqualTo(row[j]);
    }
  }

  @Claim("bad-input")
  @Test
  void matrices_that_cannot_be_are_refused() {
    MemorySegment bytes = MemorySegment.ofArray(new byte[36]);
    Refusal.of(() -> new WeightMatrix(bytes, ElementType.Q4_0, 4, 16), "Q4_0", "[4, 16]", "36");
    Refusal.of(() -> new WeightMatrix(bytes, ElementType.Q4_0, 1, 32), "Q4_0", "[1, 32]", "36");
    Refusal.of(() -> new WeightMatrix(bytes, ElementType.I8, 6, 6), "type", "I8");
    StoredTensor cube = new StoredTensor("cube", ElementType.F32, new long[] {3, 3, 1}, bytes);
    Refusal.of(() -> WeightMatrix.of(cube), "cube", "matrix");
  }
}
