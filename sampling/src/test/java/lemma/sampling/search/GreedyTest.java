package lemma.sampling.search;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Set;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.MarkovModel;
import lemma.sampling.SamplingProofs;
import lemma.sampling.filter.Candidates;
import lemma.sampling.filter.LogitScan;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.VectorisedLogitScan;
import lemma.sampling.generate.GenerationConfig;
import lemma.sampling.generate.Generator;
import org.junit.jupiter.api.Test;

@Proves("greedy")
class GreedyTest {

  private static NextToken table(double[][] probabilities) {
    return text -> Arrays.stream(probabilities[text[text.length - 1]]).map(Math::log).toArray();
  }

  private static double[][] randomTable(int size, RandomGenerator random) {
    double[][] table = new double[size][];
    for (int row = 0; row < size; row++)
      table[row] = Logits.softmax(random.doubles(size, -2, 2).toArray());
    return table;
  }

  @Claim("argmax")
  @Test
  void every_step_takes_the_most_probable_token() {
    RandomGenerator random = random(1);
    for (int round = 0; round < 50; round++) {
      double[][] table = randomTable(2 + random.nextInt(9), random);
      int[] generated = new GreedySearch(12, Set.of()).search(table(table), new int[] {0}).tokens();
      assertThat(generated).hasSize(12);
      int last = 0;
      for (int token : generated) {
        for (double p : table[last]) assertThat(table[last][token]).isGreaterThanOrEqualTo(p);
        last = token;
      }
    }
  }

  @Claim("ties")
  @Test
  void of_equals_the_lowest_id_is_taken() {
    double[][] table = {{0, 0.5, 0.5}, {0.4, 0.2, 0.4}, {1, 0, 0}};
    assertThat(new GreedySearch(4, Set.of()).search(table(table), new int[] {0}).tokens())
        .containsExactly(1, 0, 1, 0);
  }

  @Claim("not-optimal")
  @Test
  void the_best_step_is_not_the_start_of_the_best_text(Proof proof) {
    // from 0: 1 is likelier than 2, but all that follows 1 is unlikely
    double[][] table = {
      {0, 0.55, 0.45, 0, 0},
      {0, 0, 0, 0.5, 0.5},
      {0, 0, 0, 0.95, 0.05},
      {1, 0, 0, 0, 0},
      {1, 0, 0, 0, 0}
    };
    var greedy = new GreedySearch(2, Set.of()).search(table(table), new int[] {0});
    assertThat(greedy.tokens()).containsExactly(1, 3);
    double best = 0;
    for (int first = 0; first < 5; first++)
      for (int second = 0; second < 5; second++)
        best = Math.max(best, table[0][first] * table[first][second]);
    proof.atLeast("P(best) / P(greedy)", best / Math.exp(greedy.logProbability()), 1.5);
  }

  @Claim("loop")
  @Test
  void on_a_markov_model_greedy_runs_into_a_loop() {
    RandomGenerator random = random(2);
    for (int round = 0; round < 50; round++) {
      int size = 2 + random.nextInt(9);
      int[] text =
          new GreedySearch(3 * size, Set.of())
              .search(table(randomTable(size, random)), new int[] {0})
              .tokens();
      int period = 1; // after at most `size` steps a state returns, and with it all that follows
      while (!repeats(text, size, period)) period++;
      assertThat(period).isLessThanOrEqualTo(size);
    }
  }

  private static boolean repeats(int[] text, int from, int period) {
    for (int i = from + period; i < text.length; i++) if (text[i] != text[i - period]) return false;
    return true;
  }

  @Claim("agreement")
  @Test
  void generation_at_temperature_0_and_with_top_k_1_is_greedy_search() {
    RandomGenerator random = random(3);
    for (int round = 0; round < 50; round++) {
      double[][] table = randomTable(2 + random.nextInt(40), random);
      var model = new MarkovModel(table, 1000);
      int[] prompt = {random.nextInt(table.length)};
      int[] expected = new GreedySearch(20, Set.of()).search(NextToken.of(model), prompt).tokens();
      assertThat(expected)
          .isEqualTo(new GreedySearch(20, Set.of()).search(table(table), prompt).tokens());
      for (var config :
          new GenerationConfig[] {
            GenerationConfig.greedy(20), GenerationConfig.sampled(20, 1.3, 1, 1)
          })
        assertThat(new Generator(model, config).generate(prompt, random).tokens())
            .isEqualTo(expected);
    }
  }

  @Claim("agreement")
  @Test
  void every_form_of_argmax_finds_the_same_token() {
    RandomGenerator random = random(4);
    var scratch = new Candidates();
    for (int round = 0; round < 300; round++) {
      float[] logits = SamplingProofs.coarse(1 + random.nextInt(3000), 0.5, random);
      int expected = 0;
      for (int i = 0; i < logits.length; i++) if (logits[i] > logits[expected]) expected = i;
      assertThat(new LogitScan.Scalar().argMax(logits, scratch)).isEqualTo(expected);
      assertThat(new VectorisedLogitScan().argMax(logits, scratch)).isEqualTo(expected);
    }
  }

  @Claim("parity")
  @GoldenCases("sampling/greedy")
  void equals_the_reference(GoldenCase golden, Proof proof) {
    Tensor flat = golden.tensor("transition_probs");
    double[][] table = new double[flat.size(0)][];
    for (int row = 0; row < table.length; row++)
      table[row] = Arrays.copyOfRange(flat.toArray(), row * flat.size(1), (row + 1) * flat.size(1));
    int[] prompt = golden.ints("prompt");
    int steps = golden.integer("max_new_tokens");
    var result = new GreedySearch(steps, Set.of(0)).search(table(table), prompt);
    golden.expect("generated", result.tokens());
    golden.expect("log_prob", result.logProbability(), proof);

    var config = GenerationConfig.greedy(steps).withEndTokens(Set.of(0)).withLogProbabilities(0);
    var generation = new Generator(new MarkovModel(table, 100), config).generate(prompt, random(0));
    golden.expect("generated", generation.tokens());
    float[] sum = {(float) Arrays.stream(generation.logProbabilities()).sum()};
    golden.expect("log_prob", sum, 1e-5, 0, proof); // the model's logits are floats
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new GreedySearch(0, Set.of()), "maxTokens", "0");
    var search = new GreedySearch(1, Set.of());
    int[] prompt = {0};
    Refusal.of(() -> search.search(text -> new double[0], prompt), "empty");
    Refusal.of(() -> search.search(text -> new double[] {Double.NaN}, prompt), "logits[0]", "NaN");
    double none = Double.NEGATIVE_INFINITY;
    Refusal.of(() -> search.search(text -> new double[] {none}, prompt), "all -Infinity");
  }
}
