package lemma.sampling.contrast;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.filter.Logits;
import org.junit.jupiter.api.Test;

@Proves("text-guidance")
class TextGuidanceTest {

  @Claim("ends")
  @Test
  void scale_1_is_the_model_and_scale_0_the_model_without_the_prompt(Proof proof) {
    RandomGenerator random = random(1);
    for (int round = 0; round < 100; round++) {
      double[] with = random.doubles(20, -5, 5).toArray();
      double[] without = random.doubles(20, -5, 5).toArray();
      double[] one = Logits.softmax(new TextGuidance(1).process(with, without));
      double[] zero = Logits.softmax(new TextGuidance(0).process(with, without));
      // logits of about 10 rounded
      proof.atMost("|Δ| of a probability, w = 1", gap(one, Logits.softmax(with)), 1e-14);
      proof.atMost("|Δ| of a probability, w = 0", gap(zero, Logits.softmax(without)), 1e-14);
    }
  }

  @Claim("raises")
  @Test
  void more_guidance_raises_what_the_prompt_makes_likelier() {
    RandomGenerator random = random(2);
    for (int round = 0; round < 100; round++) {
      double[] with = random.doubles(10, -3, 3).toArray();
      double[] without = random.doubles(10, -3, 3).toArray();
      int favoured =
          Logits.argMax(IntStream.range(0, 10).mapToDouble(v -> with[v] - without[v]).toArray());
      double before = -1;
      for (double scale : new double[] {-1, 0, 0.5, 1, 2, 4, 8}) {
        double p = Logits.softmax(new TextGuidance(scale).process(with, without))[favoured];
        assertThat(p).isGreaterThan(before);
        before = p;
      }
    }
  }

  @Claim("logits")
  @Test
  void raw_logits_would_give_the_same_probabilities(Proof proof) {
    RandomGenerator random = random(3);
    for (int round = 0; round < 100; round++) {
      double[] with = random.doubles(10, -3, 3).toArray();
      double[] without = random.doubles(10, -3, 3).toArray();
      double[] raw =
          IntStream.range(0, 10)
              .mapToDouble(v -> without[v] + 3 * (with[v] - without[v]))
              .toArray();
      double[] guided = Logits.softmax(new TextGuidance(3).process(with, without));
      proof.atMost("|Δ| of a probability", gap(guided, Logits.softmax(raw)), 1e-13);
    }
  }

  @Claim("negative")
  @Test
  void the_other_reading_has_the_negative_prompt_and_the_same_answer() {
    List<int[]> read = new ArrayList<>();
    var guidance =
        new TextGuidance(2)
            .away(
                text -> {
                  read.add(text);
                  return new double[5];
                },
                3,
                4,
                4);
    guidance.process(new int[] {0, 1, 2}, new double[5]);
    guidance.process(new int[] {0, 1, 2, 3, 1}, new double[5]);
    assertThat(read.get(0)).containsExactly(4, 4);
    assertThat(read.get(1)).containsExactly(4, 4, 3, 1);
  }

  @Claim("excluded")
  @Test
  void a_token_that_a_reading_excludes_stays_excluded() {
    double[] with = {0, 1, Logits.REMOVED};
    double[] without = {0, Logits.REMOVED, Logits.REMOVED};
    for (double scale : new double[] {-1, 0, 1, 3})
      assertThat(Logits.kept(new TextGuidance(scale).process(with, without))).containsExactly(0);
  }

  @Claim("parity")
  @GoldenCases("sampling/classifier-free-guidance")
  void equals_the_reference(GoldenCase golden, Proof proof) {
    double[] scores =
        new TextGuidance(golden.number("guidance_scale"))
            .process(golden.doubles("cond_logits"), golden.doubles("uncond_logits"));
    golden.expect("scores", scores, proof);
    golden.expect("probs", Logits.softmax(scores), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new TextGuidance(Double.NaN), "guidanceScale", "NaN");
    var guidance = new TextGuidance(2);
    Refusal.of(() -> guidance.process(new double[2], new double[3]), "2 and 3");
    Refusal.of(() -> guidance.process(new double[0], new double[0]), "empty");
    Refusal.of(() -> guidance.away(text -> new double[1], 1), "negative");
    Refusal.of(() -> guidance.away(text -> new double[1], 0, 1), "promptLength", "0");
    double[] none = new double[2];
    Arrays.fill(none, Logits.REMOVED);
    Refusal.of(() -> guidance.process(new double[2], none), "all -Infinity");
  }
}
