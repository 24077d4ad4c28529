package lemma.core.training;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.core.training.CrossEntropy.Smoothing;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("optimisation")
class CrossEntropyTest {

  @Claim("cross-entropy")
  @Test
  void the_gradient_is_probability_minus_target_and_zero_where_ignored(Proof proof) {
    RandomGenerator random = random(21);
    CrossEntropy loss = CrossEntropy.standard();
    for (int trial = 0; trial < 20; trial++) {
      Tensor logits = Tensor.gaussian(random, 6, 9).mul(3).parameter();
      int[] targets = random.ints(6, 0, 9).toArray();
      targets[2] = -100;
      Tensor gradient = loss.sum(logits, targets).backward().of(logits);
      Tensor probabilities = logits.detach().softmax(Tensor.LAST);
      for (int row = 0; row < 6; row++)
        for (int k = 0; k < 9; k++) {
          double expected = row == 2 ? 0 : probabilities.get(row, k) - (targets[row] == k ? 1 : 0);
          proof.atMost("max |Δ|", Math.abs(gradient.get(row, k) - expected), 1e-14);
        }
    }
  }

  @Claim("smoothing")
  @Test
  void with_smoothing_the_loss_is_least_at_the_smoothed_distribution_not_at_certainty(Proof proof) {
    for (Smoothing smoothing : Smoothing.values()) {
      CrossEntropy loss = new CrossEntropy(-100, 0.1, smoothing);
      double own = smoothing == Smoothing.ALL_CLASSES ? 0.9 + 0.1 / 5 : 0.9;
      double other = (1 - own) / 4;
      Tensor best = Tensor.of(new double[][] {{own, other, other, other, other}}).log().parameter();
      Tensor gradient = loss.mean(best, 0).backward().of(best);
      proof.atMost("|gradient| at the smoothed distribution", gradient.abs().max().item(), 1e-15);
      double certain = loss.mean(Tensor.of(new double[][] {{50, 0, 0, 0, 0}}), 0).item();
      proof.atLeast("loss of certainty", certain, loss.mean(best, 0).item() + 1);
    }
  }

  @Claim("parity")
  @GoldenCases("core/cross-entropy")
  void losses_are_those_of_torch(GoldenCase golden, Proof proof) {
    CrossEntropy loss =
        new CrossEntropy(
            golden.integer("ignore_index"),
            golden.number("label_smoothing"),
            Smoothing.ALL_CLASSES);
    Tensor logits = golden.tensor("logits");
    int[] targets = golden.ints("targets");
    if (golden.flag("shift")) { // row t speaks of token t + 1
      logits = logits.slice(0, 0, targets.length - 1);
      targets = Arrays.copyOfRange(targets, 1, targets.length);
    }
    double[] counted = loss.perRow(logits, targets).toArray();
    double[] all = new double[targets.length];
    int next = 0;
    for (int row = 0; row < all.length; row++)
      if (targets[row] != golden.integer("ignore_index")) all[row] = counted[next++];
    golden.expect("loss_none", all, proof);
    golden.expect("sum", loss.sum(logits, targets).item(), proof);
    double mean = loss.mean(logits, targets).item();
    golden.expect("mean", mean, proof);
    golden.expect("perplexity", Math.exp(mean), proof);
    assertThat(loss.counted(targets)).isEqualTo(golden.expected().get("counted").asInt());
    if (golden.expected().has("z_loss"))
      golden.expect("z_loss", loss.zLoss(logits, targets).item(), proof);
  }

  @Claim("parity")
  @GoldenCases("tuning/label-smoothing")
  void both_conventions_of_smoothing_are_those_of_torch_and_fairseq(
      GoldenCase golden, Proof proof) {
    Tensor logits = golden.tensor("logits").parameter();
    int[] labels = golden.ints("labels");
    double epsilon = golden.number("epsilon");
    Tensor torch = new CrossEntropy(-100, epsilon, Smoothing.ALL_CLASSES).mean(logits, labels);
    golden.expect("torch_loss", torch.item(), proof);
    golden.expect("dlogits", torch.backward().of(logits), proof);
    CrossEntropy fairseq = new CrossEntropy(-100, epsilon, Smoothing.OTHER_CLASSES);
    golden.expect("fairseq_loss", fairseq.mean(logits, labels).item(), proof);
    golden.expect("nll", CrossEntropy.standard().mean(logits, labels).item(), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    CrossEntropy loss = CrossEntropy.standard();
    Refusal.of(() -> new CrossEntropy(-100, 1.5, Smoothing.ALL_CLASSES), "labelSmoothing", "1.5");
    Refusal.of(() -> loss.mean(Tensor.ones(2, 3), 0), "logits", "[2, 3]", "1 targets");
    Refusal.of(() -> loss.mean(Tensor.ones(2, 3), 0, 3), "target 3", "3 classes");
    Refusal.of(() -> loss.mean(Tensor.ones(2, 3), 0, -1), "target -1");
    Refusal.of(() -> loss.mean(Tensor.ones(1, 3), -100), "ignoreIndex", "-100");
  }
}
