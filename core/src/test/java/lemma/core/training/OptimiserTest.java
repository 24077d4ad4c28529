package lemma.core.training;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.core.training.AdamW.Decay;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("optimisation")
class OptimiserTest {

  private static AdamW adam(double weightDecay, Decay decay) {
    return new AdamW(0.9, 0.999, 1e-8, weightDecay, decay, (name, value) -> true);
  }

  /// Parameters after one step from `theta` with gradient `g`.
  private static double[] step(Optimiser optimiser, double[] theta, double[] g, double rate) {
    Map<String, Tensor> parameters = Map.of("w", Tensor.vector(theta));
    return optimiser
        .step(parameters, Map.of("w", Tensor.vector(g)), optimiser.begin(parameters), rate)
        .parameters()
        .get("w")
        .toArray();
  }

  @Claim("first-step")
  @Test
  void the_first_step_of_adam_has_the_size_of_the_learning_rate_whatever_the_gradient(Proof proof) {
    RandomGenerator random = random(1);
    for (double scale : new double[] {1e-4, 1, 1e6}) {
      double g = scale * random.nextGaussian();
      double moved = step(adam(0, Decay.DECOUPLED), new double[] {0}, new double[] {g}, 1e-3)[0];
      // ε = 1e-8 beside a gradient of about 1e-4
      proof.atMost("|step| / rate − 1", Math.abs(Math.abs(moved) / 1e-3 - 1), 2e-3);
      assertThat(Math.signum(moved)).isEqualTo(-Math.signum(g));
    }
  }

  @Claim("decay")
  @Test
  void decoupled_decay_shrinks_every_weight_alike_and_l2_hardly_where_gradients_are_large(
      Proof proof) {
    for (Decay decay : Decay.values()) {
      double small = shrinkage(decay, 1e-2);
      double large = shrinkage(decay, 1e2);
      if (decay == Decay.DECOUPLED) {
        // 200 steps, each by 1e-3 · 0.1 of the weight
        proof.atMost("decoupled: |shrinkage − (1 − ηλ)²⁰⁰|", Math.abs(small - 0.0198), 1e-3);
        proof.atMost("decoupled: large over small gradients", large / small, 1.05);
        proof.atLeast("decoupled: large over small gradients, least", large / small, 0.95);
      } else proof.atMost("L2: large over small gradients", large / small, 0.05);
    }
  }

  /// How much smaller a weight of 1 is, for its decay, after 200 noisy gradients of this size.
  private static double shrinkage(Decay decay, double size) {
    double[] last = new double[2];
    for (int i = 0; i < 2; i++) {
      Optimiser optimiser = adam(i == 0 ? 0 : 0.1, decay);
      RandomGenerator random = random(4);
      Map<String, Tensor> parameters = Map.of("w", Tensor.vector(1));
      OptimiserState state = optimiser.begin(parameters);
      for (int t = 0; t < 200; t++) {
        Map<String, Tensor> g = Map.of("w", Tensor.vector(size * random.nextGaussian()));
        Optimiser.Update update = optimiser.step(parameters, g, state, 1e-3);
        parameters = update.parameters();
        state = update.state();
      }
      last[i] = parameters.get("w").item();
    }
    return last[0] - last[1];
  }

  @Claim("decay")
  @Test
  void under_plain_gradient_descent_the_two_are_the_same(Proof proof) {
    RandomGenerator random = random(2);
    for (int i = 0; i < 100; i++) {
      double theta = random.nextGaussian();
      double g = random.nextGaussian();
      double l2 = step(new Sgd(0, 0, false, 0.1), new double[] {theta}, new double[] {g}, 0.05)[0];
      double decoupled =
          step(Sgd.plain(), new double[] {theta}, new double[] {g}, 0.05)[0] - 0.05 * 0.1 * theta;
      proof.atMost("|Δ|", Math.abs(l2 - decoupled), 1e-15);
    }
  }

  @Claim("decay")
  @Test
  void gains_and_biases_do_not_decay_in_a_language_model() {
    AdamW optimiser = AdamW.languageModel(0.1);
    Map<String, Tensor> parameters = Map.of("matrix", Tensor.ones(2, 2), "gain", Tensor.ones(2));
    Map<String, Tensor> zero = Map.of("matrix", Tensor.zeros(2, 2), "gain", Tensor.zeros(2));
    Map<String, Tensor> after =
        optimiser.step(parameters, zero, optimiser.begin(parameters), 0.5).parameters();
    assertThat(after.get("gain").toArray()).containsOnly(1);
    assertThat(after.get("matrix").toArray()).containsOnly(0.95);
  }

  @Claim("agreement")
  @Test
  void the_loop_over_elements_is_the_formula_on_tensors(Proof proof) {
    RandomGenerator random = random(3);
    Tensor theta = Tensor.gaussian(random, 5, 3);
    Tensor m = Tensor.zeros(5, 3);
    Tensor v = Tensor.zeros(5, 3);
    AdamW optimiser = adam(0.1, Decay.DECOUPLED);
    Map<String, Tensor> parameters = Map.of("w", theta);
    OptimiserState state = optimiser.begin(parameters);
    for (int t = 1; t <= 20; t++) {
      Tensor g = Tensor.gaussian(random, 5, 3);
      m = m.mul(0.9).add(g.mul(0.1));
      v = v.mul(0.999).add(g.square().mul(0.001));
      Tensor corrected = m.div(1 - Math.pow(0.9, t));
      Tensor root = v.div(1 - Math.pow(0.999, t)).sqrt().add(1e-8);
      theta = theta.mul(1 - 0.01 * 0.1).sub(corrected.div(root).mul(0.01));
      Optimiser.Update update = optimiser.step(parameters, Map.of("w", g), state, 0.01);
      parameters = update.parameters();
      state = update.state();
      double gap = parameters.get("w").detach().sub(theta).abs().max().item();
      proof.atMost("max |Δ|", gap, 1e-14);
    }
  }

  @Claim("parity")
  @GoldenCases("tuning/adamw")
  void adam_takes_the_steps_of_torch(GoldenCase golden, Proof proof) {
    Decay decay =
        switch (golden.text("kind")) {
          case "adamw" -> Decay.DECOUPLED;
          case "adam-l2" -> Decay.L2;
          default -> throw new IllegalArgumentException(golden.text("kind"));
        };
    AdamW optimiser =
        new AdamW(
            golden.number("beta1"),
            golden.number("beta2"),
            golden.number("eps"),
            golden.number("weight_decay"),
            decay,
            (name, value) -> true);
    OptimiserState last = follow(optimiser, golden, proof);
    golden.expect("m", last.moment("first", "w"), proof);
    golden.expect("v", last.moment("second", "w"), proof);
  }

  @Claim("parity")
  @GoldenCases("tuning/sgd-momentum")
  void gradient_descent_takes_the_steps_of_torch(GoldenCase golden, Proof proof) {
    follow(
        new Sgd(
            golden.number("momentum"),
            golden.number("dampening"),
            golden.flag("nesterov"),
            golden.number("weight_decay")),
        golden,
        proof);
  }

  /// Runs the optimiser on the golden gradients and compares the path.
  private static OptimiserState follow(Optimiser optimiser, GoldenCase golden, Proof proof) {
    Map<String, Tensor> parameters = Map.of("w", golden.tensor("p0"));
    OptimiserState state = optimiser.begin(parameters);
    Tensor gradients = golden.tensor("grads");
    Tensor[] path = new Tensor[gradients.size(0)];
    for (int t = 0; t < path.length; t++) {
      Map<String, Tensor> g = Map.of("w", gradients.select(0, t));
      Optimiser.Update update = optimiser.step(parameters, g, state, golden.number("lr"));
      parameters = update.parameters();
      state = update.state();
      path[t] = parameters.get("w").detach();
    }
    golden.expect("trajectory", Tensor.stack(0, path), proof);
    return state;
  }

  @Claim("functional")
  @Test
  void a_step_changes_nothing_that_was_passed_in() {
    for (Optimiser optimiser : new Optimiser[] {AdamW.standard(), new Sgd(0.9, 0, true, 0.1)}) {
      Tensor before = Tensor.vector(1, -2, 3).parameter();
      Map<String, Tensor> parameters = Map.of("w", before);
      Map<String, Tensor> gradients = Map.of("w", Tensor.vector(0.5, 0.5, -1));
      OptimiserState state = optimiser.begin(parameters);
      Optimiser.Update one = optimiser.step(parameters, gradients, state, 0.1);
      Optimiser.Update again = optimiser.step(parameters, gradients, state, 0.1);
      assertThat(before.toArray()).containsExactly(1, -2, 3);
      assertThat(one.parameters().get("w").toArray())
          .containsExactly(again.parameters().get("w").toArray())
          .isNotEqualTo(before.toArray());
      assertThat(one.parameters().get("w").requiresGrad()).isTrue();
      assertThat(state.step()).isZero();
      assertThat(one.state().step()).isOne();
    }
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new AdamW(1, 0.9, 1e-8, 0, Decay.L2, (n, v) -> true), "beta1", "1.0");
    Refusal.of(() -> new AdamW(0.9, -1, 1e-8, 0, Decay.L2, (n, v) -> true), "beta2", "-1");
    Refusal.of(() -> new AdamW(0.9, 0.9, 0, 0, Decay.L2, (n, v) -> true), "epsilon", "0.0");
    Refusal.of(() -> new AdamW(0.9, 0.9, 1, -2, Decay.L2, (n, v) -> true), "weightDecay", "-2");
    Refusal.of(() -> new Sgd(0, 0, true, 0), "nesterov");
    AdamW optimiser = AdamW.standard();
    Map<String, Tensor> parameters = Map.of("w", Tensor.ones(2));
    OptimiserState state = optimiser.begin(parameters);
    Map<String, Tensor> gradients = Map.of("w", Tensor.ones(3));
    Refusal.of(() -> optimiser.step(parameters, Map.of(), state, 0.1), "gradient", "w");
    Refusal.of(() -> optimiser.step(parameters, gradients, state, 0.1), "w", "[3]", "[2]");
    Refusal.of(
        () -> optimiser.step(parameters, parameters, state, Double.NaN), "learningRate", "NaN");
    OptimiserState sgd = Sgd.plain().begin(parameters);
    Refusal.of(() -> optimiser.step(parameters, parameters, sgd, 0.1), "first", "momentum");
  }
}
