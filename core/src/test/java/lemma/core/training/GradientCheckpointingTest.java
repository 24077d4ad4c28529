package lemma.core.training;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Gradients;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("optimisation")
class GradientCheckpointingTest {

  /// x + tanh(x·W)·V for inputs x, W, V.
  private static Tensor block(List<Tensor> in) {
    return in.get(0).add(in.get(0).matmul(in.get(1)).tanh().matmul(in.get(2)));
  }

  @Claim("checkpointing")
  @Test
  void gradients_are_the_same_to_the_last_bit_for_one_more_forward_pass() {
    RandomGenerator random = random(71);
    int layers = 6;
    Tensor x = Tensor.gaussian(random, 5, 8).parameter();
    List<Tensor> weights = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      weights.add(Tensor.gaussian(random, 8, 16).parameter());
      weights.add(Tensor.gaussian(random, 16, 8).parameter());
    }
    AtomicInteger calls = new AtomicInteger();
    Function<List<Tensor>, Tensor> counted =
        in -> {
          calls.incrementAndGet();
          return block(in);
        };
    Tensor plain = x;
    Tensor checkpointed = x;
    for (int i = 0; i < layers; i++) {
      Tensor w = weights.get(2 * i);
      Tensor v = weights.get(2 * i + 1);
      plain = block(List.of(plain, w, v));
      checkpointed = GradientCheckpointing.apply(counted, checkpointed, w, v);
    }
    assertThat(checkpointed.data()).isEqualTo(plain.data());
    assertThat(calls.get()).isEqualTo(layers);
    Gradients wanted = plain.square().sum().backward();
    Gradients got = checkpointed.square().sum().backward();
    assertThat(calls.get()).isEqualTo(2 * layers);
    assertThat(got.of(x).data()).isEqualTo(wanted.of(x).data());
    for (Tensor weight : weights)
      assertThat(got.of(weight).data()).isEqualTo(wanted.of(weight).data());
  }

  @Claim("parity")
  @GoldenCases("tuning/gradient-checkpointing")
  void memory_follows_the_published_formula(GoldenCase golden, Proof proof) {
    var memory =
        new ActivationMemory(
            golden.integer("layers"),
            golden.integer("seq"),
            golden.integer("batch"),
            golden.integer("hidden"),
            golden.integer("heads"));
    golden.expect("full_bytes", memory.fullBytes(), proof);
    golden.expect("checkpointed_bytes", memory.checkpointedBytes(), proof);
    golden.expect("attention_scores_share", memory.attentionShare(), proof);
    golden.expect("best_segment", new int[] {memory.bestSegment()});
    golden.expect("best_peak_units", memory.peakLayers(memory.bestSegment()), proof);
    golden.expect("sqrt_layers", Math.sqrt(memory.layers()), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new ActivationMemory(0, 1, 1, 1, 1), "layers 0");
    Refusal.of(() -> new ActivationMemory(4, 1, 1, 1, 1).peakLayers(5), "segment", "[1, 4]", "5");
  }
}
