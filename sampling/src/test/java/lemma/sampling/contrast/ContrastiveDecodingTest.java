package lemma.sampling.contrast;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.filter.Logits;
import lemma.sampling.search.NextToken;
import lemma.sampling.search.Tables;
import org.junit.jupiter.api.Test;

@Proves("contrastive-decoding")
class ContrastiveDecodingTest {

  private static double[] logits(int size, RandomGenerator random) {
    return random.doubles(size, -5, 5).toArray();
  }

  @Claim("head")
  @Test
  void only_what_the_expert_finds_plausible_can_win() {
    RandomGenerator random = random(1);
    for (int round = 0; round < 300; round++) {
      int size = 1 + random.nextInt(50);
      double[] expert = logits(size, random);
      double[] amateur = logits(size, random);
      double alpha = 1 - random.nextDouble();
      double[] p = Logits.softmax(expert);
      double bound = alpha * p[Logits.argMax(expert)];
      for (var form :
          new ContrastiveDecoding[] {
            new ContrastiveDecoding.Original(alpha, 0.5),
            new ContrastiveDecoding.Improved(alpha, 0.5)
          }) {
        double[] scores = form.process(expert, amateur);
        assertThat(scores[Logits.argMax(expert)]).isFinite();
        for (int v = 0; v < size; v++)
          if (Math.abs(p[v] - bound) > 1e-15) // rounding decides on the border
          assertThat(scores[v] == Logits.REMOVED).isEqualTo(p[v] < bound);
      }
    }
  }

  @Claim("why-head")
  @Test
  void without_the_head_an_absurd_token_wins() {
    // the last token is absurd to both, but more so to the amateur
    double[] expert = {5, 4, -9};
    double[] amateur = {5, 3, -19};
    assertThat(Logits.argMax(new ContrastiveDecoding.Original(1e-12, 1).process(expert, amateur)))
        .isEqualTo(2);
    assertThat(Logits.argMax(new ContrastiveDecoding.Original(0.1, 1).process(expert, amateur)))
        .isEqualTo(1);
  }

  @Claim("forms")
  @Test
  void the_improved_form_without_beta_is_the_expert_and_ignores_the_amateurs_constant(Proof proof) {
    RandomGenerator random = random(2);
    for (int round = 0; round < 100; round++) {
      double[] expert = logits(12, random);
      double[] amateur = logits(12, random);
      assertThat(new ContrastiveDecoding.Improved(1e-9, 0).process(expert, amateur))
          .containsExactly(expert);
      var form = new ContrastiveDecoding.Improved(1e-9, random.nextDouble());
      double[] shifted = IntStream.range(0, 12).mapToDouble(v -> amateur[v] + 7).toArray();
      proof.atMost(
          "|Δ| of a probability",
          gap(
              Logits.softmax(form.process(expert, shifted)),
              Logits.softmax(form.process(expert, amateur))),
          1e-13); // logits of about 20 rounded, then exponentials
    }
  }

  @Claim("repetition")
  @Test
  void a_fault_that_the_amateur_has_more_strongly_is_undone() {
    // both repeat the last token: the expert a little too much, the amateur always
    NextToken amateur = text -> spoken(text, 4);
    NextToken expert =
        text -> {
          double[] logits = spoken(text, 2);
          logits[(text[text.length - 1] + 1) % 3] += 1.5; // what it knows
          return logits;
        };
    int[] text = {1};
    double[] alone = expert.logits(text);
    assertThat(Logits.argMax(alone)).isEqualTo(1);
    double[] scores =
        new ContrastiveDecoding.Original(0.1, 1).against(amateur).process(text, alone);
    assertThat(Logits.argMax(scores)).isEqualTo(2);
  }

  private static double[] spoken(int[] text, double habit) {
    double[] logits = new double[3];
    logits[text[text.length - 1]] += habit;
    return logits;
  }

  @Claim("parity")
  @GoldenCases("sampling/contrastive-decoding")
  void equals_the_reference(GoldenCase golden, Proof proof) {
    double[] expert = golden.doubles("expert_logits");
    double[] amateur = golden.doubles("amateur_logits");
    double alpha = golden.number("alpha");
    var original = new ContrastiveDecoding.Original(alpha, golden.number("tau"));
    var improved = new ContrastiveDecoding.Improved(alpha, golden.number("beta"));
    var mask = golden.expected().get("mask").get("data");
    for (int v = 0; v < expert.length; v++)
      assertThat(original.head(expert)[v]).isEqualTo(mask.get(v).asBoolean());
    golden.expect("original", original.process(expert, amateur), proof);
    golden.expect("improved", improved.process(expert, amateur), proof);
    assertThat(Logits.argMax(original.process(expert, amateur)))
        .isEqualTo(golden.expected().get("argmax_original").asInt());
    assertThat(Logits.argMax(improved.process(expert, amateur)))
        .isEqualTo(golden.expected().get("argmax_improved").asInt());
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new ContrastiveDecoding.Original(0, 1), "alpha", "0");
    Refusal.of(() -> new ContrastiveDecoding.Original(0.1, 0), "amateurTemperature", "0");
    Refusal.of(() -> new ContrastiveDecoding.Improved(2, 1), "alpha", "2");
    Refusal.of(() -> new ContrastiveDecoding.Improved(0.1, -1), "beta", "-1");
    var form = new ContrastiveDecoding.Improved(0.1, 1);
    Refusal.of(() -> form.process(new double[2], new double[3]), "2 tokens", "3");
    double[] nan = {Double.NaN};
    Refusal.of(() -> form.process(new double[1], nan), "logits[0]", "NaN");
    Refusal.of(() -> form.process(nan, new double[1]), "logits[0]", "NaN");
    NextToken other = Tables.model(Tables.random(4, random(0)));
    Refusal.of(() -> form.against(other).process(new int[1], new double[3]), "3 tokens", "4");
  }
}
