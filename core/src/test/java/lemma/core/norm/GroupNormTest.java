package lemma.core.norm;

import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.apache.commons.math3.stat.StatUtils;
import org.junit.jupiter.api.Test;

@Proves("group-norm")
class GroupNormTest {

  @Claim("batch")
  @Test
  void output_of_a_sample_does_not_depend_on_the_batch() {
    RandomGenerator random = random(1);
    var norm = new GroupNorm(3, Tensor.gaussian(random, 12), Tensor.gaussian(random, 12), 1e-5);
    Tensor x = Tensor.gaussian(random, 5, 12, 4, 3);
    Tensor together = norm.apply(x);
    for (int sample = 0; sample < 5; sample++)
      assertThat(norm.apply(x.slice(0, sample, sample + 1)).toArray())
          .isEqualTo(together.slice(0, sample, sample + 1).toArray());
  }

  @Claim("definition")
  @Test
  void output_is_gain_times_the_standard_score_within_the_group_plus_bias(Proof proof) {
    RandomGenerator random = random(2);
    for (int[] size : new int[][] {{1, 4, 2, 1}, {3, 12, 4, 5}, {2, 32, 8, 1}}) { // n, c, groups, …
      int channels = size[1];
      int groups = size[2];
      int places = size[3] * size[3];
      Tensor x = Tensor.gaussian(random, size[0], channels, size[3], size[3]).mul(3).add(2);
      double[] gain = gaussian(channels, random);
      double[] bias = gaussian(channels, random);
      double[] y =
          new GroupNorm(groups, Tensor.vector(gain), Tensor.vector(bias), 1e-5).apply(x).toArray();
      int run = channels / groups * places; // a group lies in one piece
      double[] data = x.toArray();
      double worst = 0;
      for (int at = 0; at < data.length; at += run) {
        double mean = StatUtils.mean(data, at, run);
        double variance = StatUtils.populationVariance(data, at, run);
        for (int i = at; i < at + run; i++) {
          int channel = i / places % channels;
          double score = (data[i] - mean) / Math.sqrt(variance + 1e-5);
          worst = Math.max(worst, Math.abs(y[i] - (gain[channel] * score + bias[channel])));
        }
      }
      proof.atMost("max |Δ|", worst, 1e-13);
    }
  }

  @Claim("layer-norm")
  @Test
  void with_one_group_it_is_layer_norm_over_channels_and_places(Proof proof) {
    Tensor x = Tensor.gaussian(random(3), 4, 6, 5);
    Tensor y = GroupNorm.plain(1, 6, 1e-5).apply(x);
    Tensor rows = LayerNorm.plain(30, 1e-5).apply(x.reshape(4, 30));
    proof.atMost("max |Δ|", gap(y.toArray(), rows.toArray()), 1e-14);
  }

  @Claim("instance-norm")
  @Test
  void with_a_group_for_each_channel_it_is_instance_norm(Proof proof) {
    Tensor x = Tensor.gaussian(random(4), 4, 6, 5);
    Tensor y = GroupNorm.plain(6, 6, 1e-5).apply(x);
    Tensor rows = LayerNorm.plain(5, 1e-5).apply(x); // each channel of each sample by itself
    proof.atMost("max |Δ|", gap(y.toArray(), rows.toArray()), 1e-14);
  }

  @Claim("contrast")
  @Test
  void contrast_between_channels_survives_in_a_group_and_not_in_instance_norm(Proof proof) {
    Tensor x = Tensor.gaussian(random(5), 1, 2, 100).mul(Tensor.vector(1, 10).reshape(2, 1));
    proof.atLeast(
        "ratio of the channels in one group", ratio(GroupNorm.plain(1, 2, 0).apply(x)), 5);
    proof.atMost(
        "ratio with a group for each", ratio(GroupNorm.plain(2, 2, 0).apply(x)), 1 + 1e-12);
  }

  private static double ratio(Tensor x) {
    double[] power = x.square().mean(LAST, false).toArray();
    return Math.sqrt(power[1] / power[0]);
  }

  @Claim("extremes")
  @Test
  void constant_group_becomes_the_bias_and_nan_stays_in_its_group() {
    var norm = new GroupNorm(2, Tensor.ones(4), Tensor.vector(1, 2, 3, 4), 1e-5);
    assertThat(norm.apply(Tensor.full(7, 1, 4)).toArray()).containsExactly(1, 2, 3, 4);
    double[] y = norm.apply(Tensor.of(new double[] {1, Double.NaN, 5, 5}, 1, 4)).toArray();
    assertThat(y).containsExactly(Double.NaN, Double.NaN, 3, 4);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    var norm = GroupNorm.plain(2, 4, 1e-5);
    Refusal.of(() -> norm.apply(Tensor.ones(2, 3, 5)), "x", "4", "[2, 3, 5]");
    Refusal.of(() -> norm.apply(Tensor.ones(4)), "x", "4", "[4]");
    Refusal.of(() -> GroupNorm.plain(3, 4, 0), "groups", "4", "3");
    Refusal.of(() -> GroupNorm.plain(0, 4, 0), "groups", "0");
    Refusal.of(() -> new GroupNorm(1, Tensor.ones(2, 2), Tensor.ones(2, 2), 0), "gain", "[2, 2]");
    Refusal.of(() -> new GroupNorm(1, Tensor.ones(2), Tensor.ones(3), 0), "bias", "[2]", "[3]");
    Refusal.of(() -> GroupNorm.plain(1, 2, Double.NaN), "epsilon", "NaN");
  }
}
