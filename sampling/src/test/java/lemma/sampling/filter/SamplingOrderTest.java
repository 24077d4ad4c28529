package lemma.sampling.filter;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.SamplingProofs;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

@Proves("sampling-order")
class SamplingOrderTest {
  private static final int[] HISTORY = {0, 2};

  private static double[] distribution(double[] logits, LogitsProcessor... links) {
    return Logits.softmax(LogitsProcessor.chain(links).process(HISTORY, logits));
  }

  @Claim("engines-differ")
  @Test
  void three_engines_with_the_same_settings_keep_three_different_sets() {
    double[] logits = {5, 4.5, 4, 3.5, 3, 2.5, 2, 1.5, 1, 0.5};
    LogitsProcessor[] settings = {new Temperature(2), new TopP(0.75), new MinP(0.35)};
    assertThat(kept(ChainOrder.TRANSFORMERS, logits, settings)).hasSize(5);
    assertThat(kept(ChainOrder.VLLM, logits, settings)).hasSize(4);
    assertThat(kept(ChainOrder.LLAMA_CPP, logits, settings)).hasSize(3);
  }

  private static int[] kept(ChainOrder order, double[] logits, LogitsProcessor... links) {
    return Logits.kept(order.chain(links).process(HISTORY, logits));
  }

  @Claim("commutes")
  @Test
  void temperature_commutes_with_what_sees_ranks_or_ratios_of_logits(Proof proof) {
    RandomGenerator random = random(1);
    var heat = new Temperature(1.7);
    for (int round = 0; round < 100; round++) {
      double[] logits = doubles(SamplingProofs.peaked(100, 5, random));
      for (LogitsProcessor link :
          List.of(
              new TopK(7), new TopNSigma(1.3), new RepetitionPenalty(1.4), new NoRepeatNGram(1)))
        proof.atMost(
            "max |ΔP| after a swap",
            gap(distribution(logits, heat, link), distribution(logits, link, heat)),
            1e-14);
    }
  }

  @Claim("does-not-commute")
  @Test
  void and_with_nothing_that_sees_probabilities_or_subtracts(Proof proof) {
    double[] logits = {4, 3.4, 2.9, 2.1, 1.2, 0.4, -0.5};
    var heat = new Temperature(2);
    for (LogitsProcessor link :
        List.of(
            new TopP(0.8),
            new MinP(0.2),
            new TypicalP(0.7),
            new EpsilonCutoff(0.1, 1),
            new EtaCutoff(0.3, 1),
            new TopA(0.4),
            new TailFree(0.8),
            new PresenceFrequencyPenalty(1, 0),
            SequenceBias.ofTokens(Map.of(1, 2.0))))
      proof.atLeast(
          "max |ΔP| after a swap",
          gap(distribution(logits, heat, link), distribution(logits, link, heat)),
          0.01);
  }

  @Claim("sorted")
  @Test
  void an_order_sorts_its_links_and_has_no_place_for_others() {
    var p = new TopP(0.9);
    var heat = new Temperature(0.7);
    var k = new TopK(3);
    var m = new MinP(0.1);
    var penalty = new RepetitionPenalty(1.2);
    List<LogitsProcessor> links = List.of(p, heat, m, k, penalty);
    assertThat(ChainOrder.TRANSFORMERS.sort(links)).containsExactly(penalty, heat, k, p, m);
    assertThat(ChainOrder.LLAMA_CPP.sort(links)).containsExactly(penalty, k, p, m, heat);
    assertThat(ChainOrder.VLLM.sort(links)).containsExactly(penalty, heat, m, k, p);
    var xtc = new Xtc(0.1, 1).with(random(2));
    assertThat(ChainOrder.LLAMA_CPP.sort(List.of(heat, xtc, m))).containsExactly(m, xtc, heat);
    // two links of one kind keep their order
    var other = new TopP(0.5);
    assertThat(ChainOrder.VLLM.sort(List.of(other, heat, p))).containsExactly(heat, other, p);
  }

  @Claim("parity")
  @GoldenCases("sampling/processor-order")
  void a_chain_in_the_given_order_equals_the_reference(GoldenCase golden, Proof proof) {
    List<LogitsProcessor> links =
        golden.params().get("chain").valueStream().map(SamplingOrderTest::link).toList();
    double[] scores =
        LogitsProcessor.chain(links).process(golden.ints("input_ids"), golden.doubles("logits"));
    golden.expect("kept", Logits.kept(scores));
    golden.expect("probs", Logits.softmax(scores), proof);
  }

  private static LogitsProcessor link(JsonNode link) {
    double value = link.get(1).asDouble();
    return switch (link.get(0).asString()) {
      case "temperature" -> new Temperature(value);
      case "top_k" -> new TopK((int) value, TopK.Ties.KEEP_ALL, 1);
      case "top_p" -> new TopP(value);
      case "min_p" -> new MinP(value);
      case "typical" -> new TypicalP(value);
      case "epsilon" -> new EpsilonCutoff(value, 1);
      case "eta" -> new EtaCutoff(value, 1);
      case "top_a" -> new TopA(value);
      case "tail_free", "tfs" -> new TailFree(value);
      case "top_n_sigma" -> new TopNSigma(value);
      case "repetition_penalty" -> new RepetitionPenalty(value);
      case "no_repeat_ngram" -> new NoRepeatNGram((int) value);
      default -> throw new IllegalArgumentException("no such link: " + link);
    };
  }

  @Claim("bad-input")
  @Test
  void a_link_that_the_engine_does_not_have_is_refused_by_name() {
    Refusal.of(() -> ChainOrder.VLLM.chain(new TypicalP(0.9)), "VLLM", "TypicalP");
    Refusal.of(() -> ChainOrder.TRANSFORMERS.chain(new Dry(1, 2, 2)), "TRANSFORMERS", "Dry");
    Refusal.of(
        () -> ChainOrder.LLAMA_CPP.chain(new BadWords(Set.of(List.of(1)), Set.of())), "BadWords");
    SamplingProofs.requireScores(ChainOrder.VLLM.chain());
  }
}
