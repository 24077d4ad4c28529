package lemma.core.training;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("optimisation")
class WeightDropoutTest {

  @Claim("dropout")
  @Test
  void weights_keep_their_mean_over_many_draws(Proof proof) {
    RandomGenerator random = random(51);
    Map<String, Tensor> parameters = Map.of("w", Tensor.full(3, 100, 100));
    for (double p : new double[] {0.05, 0.5}) {
      Tensor dropped = WeightDropout.matrices(p).apply(parameters, random).get("w");
      double share = 1 - dropped.map(x -> x == 0 ? 0 : 1, x -> 0).mean().item();
      // 10 000 draws: a standard deviation of √(p(1 − p))/100, five of them
      proof.atMost("|share hidden − p|", Math.abs(share - p), 0.025);
      proof.atMost("|mean / 3 − 1|", Math.abs(dropped.mean().item() / 3 - 1), 0.05);
    }
  }

  @Claim("dropout")
  @Test
  void a_hidden_weight_gets_no_gradient_and_a_gain_is_never_hidden() {
    Tensor w = Tensor.ones(20, 20).parameter();
    Tensor gain = Tensor.ones(20).parameter();
    Map<String, Tensor> dropped =
        WeightDropout.matrices(0.3).apply(Map.of("w", w, "gain", gain), random(52));
    double[] values = dropped.get("w").data();
    double[] gradient = dropped.get("w").square().sum().backward().of(w).data();
    for (int i = 0; i < values.length; i++) assertThat(gradient[i] == 0).isEqualTo(values[i] == 0);
    assertThat(dropped.get("gain")).isSameAs(gain);
    assertThat(values).contains(0).contains(1 / 0.7);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> WeightDropout.matrices(1), "probability", "1.0");
    Refusal.of(() -> WeightDropout.matrices(-0.1), "probability", "-0.1");
  }
}
