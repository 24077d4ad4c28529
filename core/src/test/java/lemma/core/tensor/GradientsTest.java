package lemma.core.tensor;

import static lemma.core.tensor.Tensor.LAST;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/// What the tape promises beyond the single operations.
@DisplayNameGeneration(ReplaceUnderscores.class)
class GradientsTest {
  private final RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(5);

  @Test
  void a_parameter_that_took_no_part_has_a_gradient_of_zeros() {
    Tensor used = Tensor.scalar(3).parameter();
    Tensor unused = Tensor.ones(2, 2).parameter();
    Gradients gradients = used.square().backward();
    assertThat(gradients.of(used).item()).isEqualTo(6);
    assertThat(gradients.of(unused).toArray()).containsExactly(0, 0, 0, 0);
    assertThat(Tensor.scalar(1).backward().of(used).item()).isZero();
  }

  @Test
  void a_parameter_is_its_own_gradient_of_one() {
    Tensor x = Tensor.scalar(3).parameter();
    assertThat(x.backward().of(x).item()).isEqualTo(1);
  }

  @Test
  void gradients_of_all_uses_add_up() {
    Tensor x = Tensor.vector(1, 2, 3).parameter();
    Tensor loss = x.mul(x).add(x.mul(4)).sum(); // d = 2x + 4
    assertThat(loss.backward().of(x).toArray()).containsExactly(6, 8, 10);
  }

  @Test
  void detach_stops_gradients_and_keeps_values() {
    Tensor x = Tensor.vector(1, 2, 3).parameter();
    Tensor loss = x.mul(x.detach()).sum();
    assertThat(loss.item()).isEqualTo(14);
    assertThat(loss.backward().of(x).toArray()).containsExactly(1, 2, 3);
    assertThat(x.detach().requiresGrad()).isFalse();
    assertThat(loss.requiresGrad()).isTrue();
  }

  @Test
  void a_chain_of_a_hundred_thousand_steps_does_not_overflow_the_stack() {
    Tensor x = Tensor.scalar(0).parameter();
    Tensor y = x;
    for (int i = 0; i < 100_000; i++) y = y.add(1);
    assertThat(y.item()).isEqualTo(100_000);
    assertThat(y.backward().of(x).item()).isEqualTo(1);
  }

  @Test
  void a_diamond_of_many_levels_is_walked_once_and_not_along_every_path() {
    Tensor x = Tensor.scalar(1).parameter();
    Tensor y = x;
    for (int i = 0; i < 60; i++) y = y.mul(0.5).add(y.mul(0.5)); // 2⁶⁰ paths
    assertThat(y.backward().of(x).item()).isEqualTo(1);
  }

  @Test
  void walking_back_twice_gives_the_same() {
    Tensor x = Tensor.gaussian(random, 4, 3).parameter();
    Tensor loss = x.softmax(LAST).square().sum();
    assertThat(loss.backward().of(x).toArray()).isEqualTo(loss.backward().of(x).toArray());
  }

  @Test
  void a_seed_weighs_the_elements() {
    Tensor x = Tensor.vector(1, 2, 3).parameter();
    Gradients gradients = x.square().backward(Tensor.vector(1, 0, -1));
    assertThat(gradients.of(x).toArray()).containsExactly(2, 0, -6);
  }

  @Test
  void micro_batches_add_up_to_the_whole_batch() {
    Tensor w = Tensor.gaussian(random, 5, 2).parameter();
    Tensor bias = Tensor.gaussian(random, 2).parameter();
    Tensor x = Tensor.gaussian(random, 8, 5);
    Gradients whole = loss(x, w, bias).div(8).backward();
    Gradients first = loss(x.slice(0, 0, 3), w, bias).backward();
    Gradients second = loss(x.slice(0, 3, 8), w, bias).backward();
    Gradients sum = first.plus(second).times(1.0 / 8);
    for (Tensor parameter : List.of(w, bias)) {
      // sums of eight terms near one, in another order: a few times 1e-16
      assertThat(sum.of(parameter).toArray())
          .usingComparatorWithPrecision(1e-14)
          .containsExactly(whole.of(parameter).toArray());
    }
    double squares = whole.of(w).square().sum().item() + whole.of(bias).square().sum().item();
    assertThat(whole.norm()).isCloseTo(Math.sqrt(squares), within(1e-14));
    Gradients separate = w.sum().backward().plus(bias.sum().backward());
    assertThat(separate.of(w).toArray()).containsOnly(1);
    assertThat(separate.of(bias).toArray()).containsOnly(1);
  }

  private static Tensor loss(Tensor x, Tensor w, Tensor bias) {
    return x.matmul(w).add(bias).tanh().square().sum();
  }

  @Test
  void threads_share_parameters_and_each_build_a_tape_of_their_own()
      throws InterruptedException, ExecutionException {
    Tensor w = Tensor.gaussian(random, 16, 16).parameter();
    Tensor bias = Tensor.gaussian(random, 16).parameter();
    List<Tensor> batches = new ArrayList<>();
    for (int i = 0; i < 32; i++) batches.add(Tensor.gaussian(random, 8, 16));
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Future<Gradients>> futures = new ArrayList<>();
      for (Tensor x : batches) futures.add(threads.submit(() -> loss(x, w, bias).backward()));
      for (int i = 0; i < batches.size(); i++) {
        Gradients alone = loss(batches.get(i), w, bias).backward();
        Gradients together = futures.get(i).get();
        assertThat(together.of(w).toArray()).isEqualTo(alone.of(w).toArray());
        assertThat(together.of(bias).toArray()).isEqualTo(alone.of(bias).toArray());
      }
    }
  }

  @Test
  void ties_of_a_maximum_send_the_gradient_to_the_first_and_of_two_operands_to_both() {
    Tensor x = Tensor.vector(1, 3, 3, 2).parameter();
    assertThat(x.max().backward().of(x).toArray()).containsExactly(0, 1, 0, 0);
    Tensor a = Tensor.vector(1, 2, 3).parameter();
    Tensor b = Tensor.vector(1, 3, 2).parameter();
    Gradients gradients = a.maximum(b).sum().backward();
    assertThat(gradients.of(a).toArray()).containsExactly(0.5, 0, 1);
    assertThat(gradients.of(b).toArray()).containsExactly(0.5, 1, 0);
  }

  @Test
  void gradients_at_kinks_are_the_documented_ones() {
    Tensor zero = Tensor.scalar(0).parameter();
    assertThat(zero.relu().backward().of(zero).item()).isZero();
    assertThat(zero.abs().backward().of(zero).item()).isZero();
    assertThat(zero.pow(0).backward().of(zero).item()).isZero();
    assertThat(zero.pow(1).backward().of(zero).item()).isEqualTo(1);
    Tensor edges = Tensor.vector(-2, -1, 0, 1, 2).parameter();
    assertThat(edges.clamp(-1, 1).sum().backward().of(edges).toArray())
        .containsExactly(0, 1, 1, 1, 0);
  }

  @Test
  void a_masked_minus_infinity_leaves_finite_gradients() {
    Tensor scores = Tensor.vector(1, 2, 3).parameter();
    Tensor masked = scores.maskedFill(Tensor.vector(0, 0, 1), Double.NEGATIVE_INFINITY);
    double[] gradient = masked.softmax(LAST).square().sum().backward().of(scores).toArray();
    assertThat(gradient[0]).isFinite().isNotZero();
    assertThat(gradient[2]).isZero();
  }

  @Test
  void a_custom_operation_walks_back_as_it_says() {
    Tensor x = Tensor.vector(0.4, 1.6).parameter();
    Tensor constant = Tensor.vector(1, 1);
    Tensor rounded = // straight through
        Tensor.custom(Tensor.vector(0, 2), g -> java.util.Arrays.asList(g, null), x, constant);
    assertThat(rounded.square().sum().backward().of(x).toArray()).containsExactly(0, 4);
  }

  @Test
  void a_block_that_is_computed_again_on_the_way_back_gives_the_same_gradients() {
    UnaryOperator<Tensor> block = t -> t.matmul(t).tanh().square();
    Tensor x = Tensor.gaussian(random, 3, 3).parameter();
    Tensor again =
        Tensor.custom(
            block.apply(x.detach()),
            g -> {
              Tensor leaf = x.detach().parameter();
              return List.of(block.apply(leaf).backward(g).of(leaf));
            },
            x);
    assertThat(again.sum().backward().of(x).toArray())
        .isEqualTo(block.apply(x).sum().backward().of(x).toArray());
  }

  @Test
  void what_cannot_be_differentiated_is_refused_with_its_shape() {
    Tensor x = Tensor.ones(2, 3).parameter();
    assertRefused(x::backward, "[2, 3]", "single element");
    assertRefused(() -> x.backward(Tensor.ones(3, 2)), "[3, 2]", "[2, 3]");
    Gradients gradients = x.sum().backward();
    assertRefused(() -> gradients.of(x.mul(2)), "intermediate", "[2, 3]");
    assertRefused(() -> gradients.of(Tensor.ones(4)), "constant", "[4]");
    Tensor wrongShape = Tensor.custom(x.detach(), g -> List.of(Tensor.ones(2)), x);
    assertRefused(() -> wrongShape.sum().backward(), "[2]", "[2, 3]");
    Tensor tooMany = Tensor.custom(x.detach(), g -> List.of(g, g), x);
    assertRefused(() -> tooMany.sum().backward(), "1 inputs", "2 gradients");
  }

  private static void assertRefused(Runnable action, String... parts) {
    assertThatThrownBy(action::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }
}
