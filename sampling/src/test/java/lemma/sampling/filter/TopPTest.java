package lemma.sampling.filter;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.floats;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.SamplingProofs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

@Proves("top-p")
class TopPTest {
  private static final int[] NO_HISTORY = {};

  /// The tokens that one of the forms keeps after dividing by a temperature.
  interface Form {
    int[] kept(float[] logits, double temperature, double p);
  }

  record NamedForm(String name, Form form) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<NamedForm> forms() {
    return Stream.concat(Stream.of(new NamedForm("formula", TopPTest::formula)), kernels());
  }

  static Stream<NamedForm> kernels() {
    return Stream.of(new LogitScan.Scalar(), new VectorisedLogitScan())
        .flatMap(scan ->
            Stream.of(
                new TopPKernel.FullSort(scan),
                new TopPKernel.Heap(scan),
                new TopPKernel.QuickSelect(scan),
                new TopPKernel.ThresholdSearch(scan)))
        .map(TopPTest::named);
  }

  private static NamedForm named(TopPKernel kernel) {
    var kept = new Candidates();
    String name =
        kernel.getClass().getSimpleName() + " " + kernel.scan().getClass().getSimpleName();
    return new NamedForm(
        name,
        (logits, temperature, p) -> {
          kernel.select(logits, temperature, p, kept);
          return kept.tokens();
        });
  }

  private static int[] formula(float[] logits, double temperature, double p) {
    var chain = LogitsProcessor.chain(new Temperature(temperature), new TopP(p));
    return Logits.kept(chain.process(NO_HISTORY, doubles(logits)));
  }

  @Claim("smallest")
  @ParameterizedTest
  @MethodSource("forms")
  void keeps_exactly_the_smallest_set_whose_mass_reaches_p(NamedForm form, Proof proof) {
    RandomGenerator random = random(1);
    for (int round = 0; round < 200; round++) {
      float[] logits = SamplingProofs.peaked(1 + random.nextInt(400), 20, random);
      double p = random.nextDouble();
      int[] kept = form.form().kept(logits, 1, p);
      double[] probabilities = Logits.softmax(doubles(logits));
      double mass = 0;
      double least = 1;
      for (int token : kept) {
        mass += probabilities[token];
        least = Math.min(least, probabilities[token]);
      }
      proof.atLeast("mass − p", mass - p, -1e-12); // reached, up to the rounding of this sum
      // no set of n − 1 tokens reaches p: the most massive has the n − 1 most probable
      double[] falling = Arrays.stream(probabilities).map(x -> -x).sorted().map(x -> -x).toArray();
      double lighter = Arrays.stream(falling, 0, kept.length - 1).sum();
      proof.atMost("mass of n − 1 tokens − p", lighter - p, 0);
      assertThat(least).isEqualTo(falling[kept.length - 1]);
    }
  }

  @Claim("crossing")
  @Test
  void the_crossing_token_stays_and_after_an_exact_hit_nothing_more_does() {
    double[] weights = {2, 8, 1, 4, 1}; // sixteenths
    int[] order = Logits.descending(weights);
    assertThat(new TopP(0.5).count(weights, order)).isEqualTo(1);
    assertThat(new TopP(Math.nextUp(0.5)).count(weights, order)).isEqualTo(2);
    assertThat(new TopP(0.75).count(weights, order)).isEqualTo(2);
    assertThat(new TopP(0.8).count(weights, order)).isEqualTo(3);
  }

  @Claim("crossing")
  @ParameterizedTest
  @MethodSource("forms")
  void an_exact_hit_among_equals_keeps_those_of_lowest_id(NamedForm form) {
    for (int size : new int[] {2, 64, 1000}) {
      int[] half = new int[size / 2];
      Arrays.setAll(half, i -> i);
      assertThat(form.form().kept(new float[size], 1, 0.5)).containsExactly(half);
      assertThat(form.form().kept(new float[size], 1, Math.nextUp(0.5))).hasSize(size / 2 + 1);
    }
  }

  @Claim("edges")
  @ParameterizedTest
  @MethodSource("forms")
  void p_0_keeps_one_token_and_p_1_all(NamedForm form) {
    RandomGenerator random = random(2);
    for (int size : new int[] {1, 2, 65, 3000}) {
      float[] logits = SamplingProofs.peaked(size, 5, random);
      assertThat(form.form().kept(logits, 1, 0)).containsExactly(Logits.argMax(doubles(logits)));
      assertThat(form.form().kept(logits, 1, 1)).hasSize(size);
      float[] thin = SamplingProofs.thinned(logits, 0.5, random);
      int[] finite = Logits.kept(doubles(thin));
      assertThat(form.form().kept(thin, 1, 1)).isEqualTo(finite);
      assertThat(form.form().kept(thin, 1, Math.nextDown(1.0)).length).isBetween(1, finite.length);
    }
  }

  @Claim("at-least-one")
  @ParameterizedTest
  @MethodSource("forms")
  void at_least_one_token_always_stays(NamedForm form) {
    RandomGenerator random = random(3);
    for (int round = 0; round < 200; round++) {
      float[] logits =
          SamplingProofs.thinned(
              SamplingProofs.peaked(1 + random.nextInt(200), 3, random), .7, random);
      double temperature = Math.pow(10, random.nextDouble(-6, 6));
      double p = round % 2 == 0 ? Math.pow(10, random.nextDouble(-300, 0)) : random.nextDouble();
      assertThat(form.form().kept(logits, temperature, p)).isNotEmpty();
    }
  }

  @Claim("order-matters")
  @Test
  void the_order_of_temperature_top_k_and_top_p_changes_the_set() {
    double[] logits = {4, 3, 2, 1, 0, -1};
    var heat = new Temperature(2);
    var nucleus = new TopP(0.8);
    var three = new TopK(3);
    // a hot distribution needs more tokens for the same mass
    assertThat(kept(logits, heat, nucleus)).containsExactly(0, 1, 2);
    assertThat(kept(logits, nucleus, heat)).containsExactly(0, 1);
    // top-k first leaves less mass to reach 80 % of
    var wide = new TopP(0.9);
    assertThat(kept(logits, three, wide)).containsExactly(0, 1);
    assertThat(kept(logits, wide, three)).containsExactly(0, 1, 2);
    // temperature keeps the order of tokens, so it commutes with top-k
    assertThat(kept(logits, heat, three)).isEqualTo(kept(logits, three, heat));
  }

  private static int[] kept(double[] logits, LogitsProcessor... links) {
    return Logits.kept(LogitsProcessor.chain(links).process(NO_HISTORY, logits));
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("kernels")
  void every_algorithm_keeps_the_set_of_the_formula(NamedForm form) {
    RandomGenerator random = random(4);
    for (int round = 0; round < 400; round++) {
      int size = 1 + random.nextInt(round % 20 == 0 ? 40_000 : 1500);
      float[] logits =
          switch (round % 4) {
            case 0 -> SamplingProofs.peaked(size, 40, random);
            case 1 -> SamplingProofs.coarse(size, 0.5, random);
            case 2 -> SamplingProofs.thinned(SamplingProofs.peaked(size, 9, random), 0.9, random);
            default -> SamplingProofs.peaked(size, 0, random);
          };
      double temperature = Math.exp(random.nextDouble(-3, 3));
      double p = random.nextDouble();
      assertThat(form.form().kept(logits, temperature, p))
          .as("p %s, T %s, %d tokens", p, temperature, size)
          .isEqualTo(formula(logits, temperature, p));
    }
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("kernels")
  void a_p_within_rounding_of_a_border_is_decided_as_the_formula_does(NamedForm form) {
    RandomGenerator random = random(5);
    for (int round = 0; round < 100; round++) {
      float[] logits = SamplingProofs.peaked(300, 20, random);
      double[] weights = Logits.weights(doubles(logits));
      double mass = 0;
      int[] order = Logits.descending(weights);
      for (int i = 0; i < 10; i++) mass += weights[order[i]];
      double border = mass / Logits.sum(weights);
      for (double p :
          new double[] {
            Math.nextDown(border),
            border,
            Math.nextUp(border),
            border * (1 + 1e-9),
            border * (1 - 1e-7)
          }) assertThat(form.form().kept(logits, 1, p)).isEqualTo(formula(logits, 1, p));
    }
  }

  @Claim("agreement")
  @Test
  void nd4j_keeps_the_set_of_the_formula() {
    RandomGenerator random = random(6);
    for (int size : new int[] {5, 100, 3000, 128_256})
      for (double p : new double[] {0, 0.3, 0.9, 1}) {
        float[] logits = SamplingProofs.peaked(size, 40, random);
        try (INDArray x = Nd4j.create(logits);
            INDArray y = new TopPNd4j(p).apply(x)) {
          assertThat(Logits.kept(y.data().asDouble())).isEqualTo(formula(logits, 1, p));
        }
      }
  }

  @Claim("allocation")
  @Test
  void a_warm_step_allocates_nothing(Proof proof) {
    float[] logits = SamplingProofs.peaked(128_256, 200, random(7));
    var kept = new Candidates();
    var kernel = new TopPKernel.ThresholdSearch(new LogitScan.Scalar());
    for (int i = 0; i < 50; i++) kernel.select(logits, 1, 0.9, kept);
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 20; i++) kernel.select(logits, 1, 0.9, kept);
    // the vocabulary is 513 KB: a copy of it per step would show
    proof.atMost("bytes a step", (threads.getCurrentThreadAllocatedBytes() - before) / 20.0, 1024);
  }

  @Claim("parity")
  @GoldenCases("sampling/top-p")
  void equals_the_reference(GoldenCase golden, Proof proof) {
    double p = golden.number("top_p");
    int minimum = golden.integer("min_tokens_to_keep");
    var link = new TopP(p, minimum);
    if (golden.params().has("input")) { // probabilities, of which sums are exact
      double[] probabilities = golden.doubles("probs");
      int[] order = Logits.descending(probabilities);
      int count = p == 1 ? order.length : link.count(probabilities, order);
      double[] kept = new double[order.length];
      for (int i = 0; i < count; i++) kept[order[i]] = probabilities[order[i]];
      double total = Logits.sum(kept);
      golden.expect("kept", Arrays.stream(order, 0, count).sorted().toArray());
      golden.expect("probs", Arrays.stream(kept).map(x -> x / total).toArray(), proof);
      return;
    }
    var logits = golden.tensor("logits");
    golden.expect(
        "probs",
        SamplingProofs.rows(logits, x -> Logits.softmax(link.process(NO_HISTORY, x))),
        proof);
    if (golden.expected().has("kept")) {
      golden.expect("kept", Logits.kept(link.process(NO_HISTORY, logits.toArray())));
      float[] row = floats(logits.toArray());
      if (minimum == 1)
        kernels().forEach(form -> golden.expect("kept", form.form().kept(row, 1, p)));
    }
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new TopP(-0.1), "p", "-0.1");
    Refusal.of(() -> new TopP(1.5), "p", "1.5");
    Refusal.of(() -> new TopP(Double.NaN), "p", "NaN");
    Refusal.of(() -> new TopP(0.5, 0), "minTokensToKeep", "0");
    Refusal.of(() -> new TopPNd4j(2), "p", "2");
    Refusal.of(() -> new TopP(0.5).process(NO_HISTORY, new double[0]), "empty");
    Refusal.of(() -> new TopP(1).process(NO_HISTORY, new double[] {Double.NaN}), "logits[0]");
    kernels()
        .forEach(form -> {
          Refusal.of(() -> form.form().kept(new float[3], 1, 1.5), "p", "1.5");
          Refusal.of(() -> form.form().kept(new float[3], 0, 0.5), "temperature", "0");
          Refusal.of(() -> form.form().kept(new float[0], 1, 0.5), "empty");
          float[] nan = {1, Float.NaN};
          Refusal.of(() -> form.form().kept(nan, 1, 0.5), "logits[1]", "NaN");
        });
  }
}
