package lemma.core.training;

import static lemma.proof.Numbers.random;

import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;
import lemma.core.tensor.Tensor;
import lemma.core.training.ExponentialMovingAverage.Constant;
import lemma.core.training.ExponentialMovingAverage.PowerRamp;
import lemma.core.training.ExponentialMovingAverage.Ramp;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("optimisation")
class ExponentialMovingAverageTest {

  private static double afterSteps(ExponentialMovingAverage average, int steps) {
    Map<String, Tensor> shadow = Map.of("w", Tensor.vector(1)); // the random start
    for (int step = 1; step <= steps; step++)
      shadow = average.update(shadow, Map.of("w", Tensor.vector(0)), step);
    return shadow.get("w").item();
  }

  @Claim("average")
  @Test
  void a_constant_decay_remembers_the_start_and_a_ramp_forgets_it(Proof proof) {
    proof.atMost(
        "|share of the start − dⁿ|",
        Math.abs(afterSteps(new Constant(0.999), 500) - Math.pow(0.999, 500)),
        1e-13);
    proof.atLeast("share of the start, constant 0.999", afterSteps(new Constant(0.999), 500), 0.6);
    proof.atMost("share of the start, ramp", afterSteps(new Ramp(0.999), 500), 1e-12);
  }

  @Claim("average")
  @Test
  void the_average_wanders_less_than_what_it_averages(Proof proof) {
    RandomGenerator random = random(31);
    double last = 0;
    double smooth = 0;
    for (int trial = 0; trial < 200; trial++) {
      Map<String, Tensor> shadow = Map.of("w", Tensor.vector(0));
      double theta = 0;
      for (int step = 1; step <= 200; step++) {
        theta = random.nextGaussian(); // noise around the optimum 0
        shadow = new Constant(0.9).update(shadow, Map.of("w", Tensor.vector(theta)), step);
      }
      last += theta * theta / 200;
      smooth += Math.pow(shadow.get("w").item(), 2) / 200;
    }
    // (1 − d)/(1 + d) = 0.053 of the variance; 200 draws scatter by a tenth
    proof.atMost("variance of the average over that of the last", smooth / last, 0.08);
  }

  @Claim("parity")
  @GoldenCases("tuning/ema")
  void averages_are_those_of_diffusers(GoldenCase golden, Proof proof) {
    double decay = golden.number("decay");
    double floor = golden.number("min_decay");
    long delay = golden.integer("update_after_step");
    ExponentialMovingAverage average =
        golden.flag("use_ema_warmup")
            ? new PowerRamp(decay, floor, delay, golden.number("inv_gamma"), golden.number("power"))
            : new Ramp(decay, floor, delay);
    int count = golden.expected().get("decay_for_step").size();
    golden.expect(
        "decay_for_step", LongStream.range(0, count).mapToDouble(average::decay).toArray(), proof);
    Tensor path = golden.tensor("params");
    Map<String, Tensor> shadow = Map.of("w", path.select(0, 0));
    Tensor[] shadows = new Tensor[path.size(0) - 1];
    for (int step = 1; step <= shadows.length; step++) {
      shadow = average.update(shadow, Map.of("w", path.select(0, step)), step);
      shadows[step - 1] = shadow.get("w");
    }
    golden.expect("shadow_after_step", Tensor.stack(0, shadows), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new Constant(1.5), "decay", "1.5");
    Refusal.of(() -> new Ramp(0.9, -1, 0), "floor", "-1");
    Refusal.of(() -> new Ramp(0.9, 0, -1), "delay", "-1");
    Refusal.of(() -> new PowerRamp(0.9, 0, 0, 0, 1), "inverseGamma", "0.0");
    Refusal.of(
        () -> new Constant(0.5).update(Map.of(), Map.of("w", Tensor.ones(1)), 1), "average", "w");
  }
}
