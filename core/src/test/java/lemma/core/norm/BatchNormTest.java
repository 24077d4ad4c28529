package lemma.core.norm;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import lemma.core.feedforward.Linear;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.apache.commons.math3.stat.StatUtils;
import org.junit.jupiter.api.Test;

@Proves("batch-norm")
class BatchNormTest {

  @Claim("batch")
  @Test
  void output_of_a_sample_depends_on_the_batch_in_training_and_not_in_evaluation(Proof proof) {
    RandomGenerator random = random(1);
    var norm = BatchNorm.plain(3, 0.1, 1e-5);
    Tensor sample = Tensor.gaussian(random, 1, 3, 4);
    Tensor one = Tensor.concat(0, sample, Tensor.gaussian(random, 3, 3, 4));
    Tensor other = Tensor.concat(0, sample, Tensor.gaussian(random, 3, 3, 4).add(2));
    proof.atLeast("change in training", gap(first(norm.train(one)), first(norm.train(other))), 0.5);
    assertThat(norm.apply(one).slice(0, 0, 1).toArray())
        .isEqualTo(norm.apply(other).slice(0, 0, 1).toArray())
        .isEqualTo(norm.apply(sample).toArray());
  }

  private static double[] first(BatchNorm.Step step) {
    return step.output().slice(0, 0, 1).toArray();
  }

  @Claim("definition")
  @Test
  void training_step_is_that_of_the_paper_channel_by_channel(Proof proof) {
    RandomGenerator random = random(2);
    Tensor gain = Tensor.gaussian(random, 3);
    Tensor bias = Tensor.gaussian(random, 3);
    Tensor x = Tensor.gaussian(random, 5, 3, 2, 4).mul(3).add(1);
    var norm = new BatchNorm(gain, bias, Tensor.vector(1, 2, 3), Tensor.vector(4, 5, 6), 0.1, 1e-5);
    BatchNorm.Step step = norm.train(x);
    for (int c = 0; c < 3; c++) {
      double[] channel = x.select(1, c).toArray();
      double mean = StatUtils.mean(channel);
      double deviation = Math.sqrt(StatUtils.populationVariance(channel) + 1e-5);
      double[] expected = new double[channel.length];
      for (int i = 0; i < expected.length; i++)
        expected[i] = gain.get(c) * (channel[i] - mean) / deviation + bias.get(c);
      proof.atMost("max |Δ|", gap(step.output().select(1, c).toArray(), expected), 1e-13);
      double runningMean = 0.9 * (c + 1) + 0.1 * mean;
      double runningVariance = 0.9 * (c + 4) + 0.1 * StatUtils.variance(channel); // over N − 1
      proof.atMost(
          "|Δ| of a running mean", Math.abs(step.next().runningMean().get(c) - runningMean), 1e-14);
      proof.atMost(
          "|Δ| of a running variance",
          Math.abs(step.next().runningVariance().get(c) - runningVariance),
          1e-14);
    }
  }

  @Claim("running")
  @Test
  void running_averages_come_to_those_of_the_data_so_evaluation_normalises_too(Proof proof) {
    RandomGenerator random = random(3);
    var norm = BatchNorm.plain(1, 0.02, 0);
    for (int step = 0; step < 500; step++)
      norm = norm.train(Tensor.gaussian(random, 32, 1).mul(2).add(3)).next();
    // an average over some 1/0.02 batches of 32: standard errors of 2/√(32·99) and 4·√2/√(32·99)
    proof.atMost("|running mean − 3|", Math.abs(norm.runningMean().item() - 3), 0.15);
    proof.atMost("|running variance − 4|", Math.abs(norm.runningVariance().item() - 4), 0.4);
    Tensor y = norm.apply(Tensor.gaussian(random, 10_000, 1).mul(2).add(3));
    proof.atMost("|mean| in evaluation", Math.abs(y.mean().item()), 0.1);
    proof.atMost("|variance − 1| in evaluation", Math.abs(y.variance().item() - 1), 0.15);
  }

  @Claim("fold")
  @Test
  void in_evaluation_it_folds_into_the_linear_map_before_it(Proof proof) {
    RandomGenerator random = random(4);
    var linear = new Linear(Tensor.gaussian(random, 3, 5), Tensor.gaussian(random, 3));
    var norm =
        new BatchNorm(
            Tensor.gaussian(random, 3),
            Tensor.gaussian(random, 3),
            Tensor.gaussian(random, 3),
            Tensor.uniform(0.5, 2, random, 3),
            0.1,
            1e-5);
    Tensor x = Tensor.gaussian(random, 20, 5);
    Tensor scale = norm.gain().div(norm.runningVariance().add(1e-5).sqrt());
    var folded =
        new Linear(
            linear.weight().mul(scale.unsqueeze(1)),
            linear.bias().orElseThrow().sub(norm.runningMean()).mul(scale).add(norm.bias()));
    proof.atMost(
        "max |Δ|", gap(norm.apply(linear.apply(x)).toArray(), folded.apply(x).toArray()), 1e-13);
  }

  @Claim("scale")
  @Test
  void scaling_the_weights_before_it_changes_nothing_in_training(Proof proof) {
    RandomGenerator random = random(7);
    var linear = new Linear(Tensor.gaussian(random, 3, 5));
    Tensor x = Tensor.gaussian(random, 20, 5);
    var norm = BatchNorm.plain(3, 0.1, 0);
    Tensor y = norm.train(linear.apply(x)).output();
    for (double scale : new double[] {1e-6, 0.5, 1000}) {
      var scaled = new Linear(linear.weight().mul(scale));
      proof.atMost(
          "max |Δ|", gap(norm.train(scaled.apply(x)).output().toArray(), y.toArray()), 1e-13);
    }
  }

  @Claim("pair")
  @Test
  void batch_of_two_becomes_plus_and_minus_one_whatever_its_values(Proof proof) {
    RandomGenerator random = random(5);
    var norm = BatchNorm.plain(1, 0.1, 0);
    for (int trial = 0; trial < 100; trial++) {
      Tensor x = Tensor.gaussian(random, 2, 1).mul(Math.exp(random.nextGaussian()));
      double[] y = norm.train(x).output().toArray();
      double sign = Math.signum(x.get(0, 0) - x.get(1, 0));
      proof.atMost("max |Δ|", gap(y, new double[] {sign, -sign}), 1e-12);
    }
  }

  @Claim("leak")
  @Test
  void gradient_of_one_sample_reaches_the_others_of_its_batch(Proof proof) {
    Tensor x = Tensor.gaussian(random(6), 4, 2).parameter();
    var norm = BatchNorm.plain(2, 0.1, 1e-5);
    Tensor ofFirst = norm.train(x).output().slice(0, 0, 1).sum();
    Tensor inTraining = ofFirst.backward().of(x).slice(0, 1, 4);
    proof.atLeast("gradient at the others in training", inTraining.abs().max().item(), 0.1);
    Tensor inEvaluation = norm.apply(x).slice(0, 0, 1).sum().backward().of(x).slice(0, 1, 4);
    assertThat(inEvaluation.toArray()).containsOnly(0);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    var norm = BatchNorm.plain(4, 0.1, 1e-5);
    Refusal.of(() -> norm.train(Tensor.ones(2, 3)), "x", "4", "[2, 3]");
    Refusal.of(() -> norm.apply(Tensor.ones(2, 3)), "x", "4", "[2, 3]");
    Refusal.of(() -> norm.train(Tensor.ones(1, 4)), "x", "two", "[1, 4]");
    Tensor ones = Tensor.ones(2);
    Refusal.of(
        () -> new BatchNorm(ones, ones, Tensor.ones(3), ones, 0, 0), "runningMean", "[2]", "[3]");
    Refusal.of(
        () -> new BatchNorm(ones, ones, ones, Tensor.ones(3), 0, 0), "runningVariance", "[3]");
    Refusal.of(() -> BatchNorm.plain(2, 1.5, 0), "momentum", "1.5");
    Refusal.of(() -> BatchNorm.plain(2, 0.1, -1), "epsilon", "-1");
  }
}
