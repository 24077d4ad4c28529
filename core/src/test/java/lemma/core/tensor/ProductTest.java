package lemma.core.tensor;

import static lemma.core.tensor.Tensor.LAST;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/// Matrix products against their definition, a sum of products of single elements.
@DisplayNameGeneration(ReplaceUnderscores.class)
class ProductTest {
  private final RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(8);

  @Test
  void products_are_sums_over_the_inner_axis_for_any_batch() {
    int[][][] shapes = {
      {{2, 3}, {3, 4}},
      {{1, 5}, {5, 1}},
      {{17, 9}, {9, 33}},
      {{3, 2, 4}, {4, 5}},
      {{2, 3, 2, 4}, {4, 5}},
      {{2, 4}, {3, 4, 5}},
      {{2, 3, 2, 4}, {3, 4, 5}},
      {{2, 1, 2, 4}, {1, 3, 4, 5}},
      {{2, 3, 2, 4}, {2, 3, 4, 5}},
      {{2, 1, 2, 4}, {1, 1, 4, 5}},
    };
    for (int[][] pair : shapes) {
      Tensor a = Tensor.gaussian(random, pair[0]);
      Tensor b = Tensor.gaussian(random, pair[1]);
      // [.., m, k, 1] · [.., 1, k, n], summed over k
      Tensor expected = a.unsqueeze(LAST).mul(b.unsqueeze(-3)).sum(-2, false);
      Tensor y = a.matmul(b);
      assertThat(y.shape()).isEqualTo(expected.shape());
      for (int i = 0; i < y.count(); i++) {
        // at most nine terms of a few units: a few roundings
        assertThat(y.data()[i]).isCloseTo(expected.data()[i], within(1e-13));
      }
      assertThat(a.matmulTransposed(b.transpose(-2, LAST)).toArray())
          .usingComparatorWithPrecision(1e-13)
          .containsExactly(y.toArray());
    }
  }

  @Test
  void operands_that_do_not_match_are_refused_with_their_shapes() {
    Tensor a = Tensor.zeros(2, 3);
    assertRefused(() -> a.matmul(Tensor.zeros(4, 5)), "[2, 3]", "[4, 5]", "3 and 4 must match");
    assertRefused(
        () -> a.matmulTransposed(Tensor.zeros(3, 5)), "[2, 3]", "[3, 5]", "3 and 5", "transposed");
    assertRefused(() -> a.matmul(Tensor.zeros(3)), "[2, 3]", "[3]", "rank 2");
    assertRefused(
        () -> Tensor.zeros(2, 1, 3).matmul(Tensor.zeros(4, 3, 1)), "[2, 1, 3]", "[4, 3, 1]");
  }

  private static void assertRefused(Runnable action, String... parts) {
    assertThatThrownBy(action::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }
}
