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
import lemma.sampling.filter.TopK.Ties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

@Proves("top-k")
class TopKTest {
  private static final int[] NO_HISTORY = {};

  /// The tokens that one of the forms keeps.
  interface Form {
    int[] kept(float[] logits, int k, Ties ties);
  }

  record NamedForm(String name, Form form) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<NamedForm> forms() {
    return Stream.concat(Stream.of(new NamedForm("formula", TopKTest::formula)), kernels());
  }

  static Stream<NamedForm> kernels() {
    return Stream.of(new LogitScan.Scalar(), new VectorisedLogitScan())
        .flatMap(scan ->
            Stream.of(
                new TopKKernel.FullSort(scan),
                new TopKKernel.Heap(scan),
                new TopKKernel.QuickSelect(scan),
                new TopKKernel.ThresholdSearch(scan)))
        .map(TopKTest::named);
  }

  private static NamedForm named(TopKKernel kernel) {
    var kept = new Candidates(); // one for all calls: what a call leaves behind must not matter
    String name =
        kernel.getClass().getSimpleName() + " " + kernel.scan().getClass().getSimpleName();
    return new NamedForm(
        name,
        (logits, k, ties) -> {
          kernel.select(logits, k, ties, kept);
          return kept.tokens();
        });
  }

  private static int[] formula(float[] logits, int k, Ties ties) {
    return Logits.kept(new TopK(k, ties, 1).process(NO_HISTORY, doubles(logits)));
  }

  @Claim("largest")
  @ParameterizedTest
  @MethodSource("forms")
  void keeps_exactly_k_tokens_none_smaller_than_a_removed_one(NamedForm form) {
    RandomGenerator random = random(1);
    for (int round = 0; round < 300; round++) {
      float[] logits = SamplingProofs.coarse(1 + random.nextInt(300), 0.5, random);
      int k = 1 + random.nextInt(logits.length);
      int[] kept = form.form().kept(logits, k, Ties.EXACTLY_K);
      assertThat(kept).hasSize(k).isSorted().doesNotHaveDuplicates();
      float smallest = Float.POSITIVE_INFINITY;
      for (int token : kept) smallest = Math.min(smallest, logits[token]);
      for (int token = 0; token < logits.length; token++)
        if (Arrays.binarySearch(kept, token) < 0)
          assertThat(logits[token]).isLessThanOrEqualTo(smallest);
    }
  }

  @Claim("ties")
  @ParameterizedTest
  @MethodSource("forms")
  void equals_of_the_kth_all_stay_or_only_those_of_lowest_id(NamedForm form) {
    float[] logits = {1, 3, 3, 3, 0, 2};
    assertThat(form.form().kept(logits, 2, Ties.KEEP_ALL)).containsExactly(1, 2, 3);
    assertThat(form.form().kept(logits, 2, Ties.EXACTLY_K)).containsExactly(1, 2);
    assertThat(form.form().kept(logits, 4, Ties.KEEP_ALL)).containsExactly(1, 2, 3, 5);
    float[] zeros = {-0f, 0f, -1f, 0f}; // −0 equals 0
    assertThat(form.form().kept(zeros, 1, Ties.KEEP_ALL)).containsExactly(0, 1, 3);
    assertThat(form.form().kept(zeros, 1, Ties.EXACTLY_K)).containsExactly(0);
  }

  @Claim("edges")
  @ParameterizedTest
  @MethodSource("forms")
  void k_0_is_off_k_1_is_greedy_and_k_past_the_vocabulary_keeps_all(NamedForm form) {
    RandomGenerator random = random(2);
    for (int size : new int[] {1, 2, 63, 64, 65, 1000}) {
      float[] logits = SamplingProofs.peaked(size, 5, random);
      int[] all = new int[size];
      Arrays.setAll(all, i -> i);
      for (Ties ties : Ties.values()) {
        assertThat(form.form().kept(logits, 0, ties)).containsExactly(all);
        assertThat(form.form().kept(logits, size, ties)).containsExactly(all);
        assertThat(form.form().kept(logits, size + 50, ties)).containsExactly(all);
      }
      assertThat(form.form().kept(logits, 1, Ties.EXACTLY_K))
          .containsExactly(Logits.argMax(doubles(logits)));
    }
    float[] few = {Float.NEGATIVE_INFINITY, 1, Float.NEGATIVE_INFINITY, 0.5f};
    for (int k : new int[] {0, 3, 4, 9})
      assertThat(form.form().kept(few, k, Ties.KEEP_ALL)).containsExactly(1, 3);
  }

  @Claim("renormalised")
  @Test
  void what_stays_keeps_its_proportions(Proof proof) {
    RandomGenerator random = random(3);
    double[] logits = doubles(SamplingProofs.peaked(500, 30, random));
    double[] before = Logits.softmax(logits);
    double[] filtered = new TopK(20).process(NO_HISTORY, logits);
    double[] after = Logits.softmax(filtered);
    double mass = 0;
    for (int token : Logits.kept(filtered)) mass += before[token];
    for (int token : Logits.kept(filtered))
      proof.atMost("|P/mass − P'|", Math.abs(before[token] / mass - after[token]), 1e-14);
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("kernels")
  void every_algorithm_keeps_the_set_of_the_formula(NamedForm form) {
    RandomGenerator random = random(4);
    for (int round = 0; round < 400; round++) {
      int size = 1 + random.nextInt(round % 10 == 0 ? 40_000 : 1500);
      float[] logits =
          switch (round % 4) {
            case 0 -> SamplingProofs.peaked(size, 40, random);
            case 1 -> SamplingProofs.coarse(size, 0.5, random);
            case 2 -> SamplingProofs.thinned(SamplingProofs.peaked(size, 9, random), 0.9, random);
            default -> sorted(SamplingProofs.peaked(size, 9, random), round % 8 == 3);
          };
      int k = random.nextInt(Math.min(size + 2, 400));
      for (Ties ties : Ties.values())
        assertThat(form.form().kept(logits, k, ties))
            .as("%d of %d, %s", k, size, ties)
            .isEqualTo(formula(logits, k, ties));
    }
  }

  private static float[] sorted(float[] logits, boolean falling) {
    Arrays.sort(logits);
    if (falling)
      for (int i = 0, j = logits.length - 1; i < j; i++, j--) {
        float swap = logits[i];
        logits[i] = logits[j];
        logits[j] = swap;
      }
    return logits;
  }

  @Claim("agreement")
  @Test
  void nd4j_keeps_the_set_of_the_formula() {
    RandomGenerator random = random(5);
    for (int size : new int[] {5, 100, 3000})
      for (int k : new int[] {1, 2, 50}) {
        float[] logits = SamplingProofs.coarse(size, 0.01, random);
        try (INDArray x = Nd4j.create(logits);
            INDArray y = new TopKNd4j(k).apply(x)) {
          assertThat(Logits.kept(y.data().asDouble())).isEqualTo(formula(logits, k, Ties.KEEP_ALL));
        }
      }
  }

  @Claim("allocation")
  @Test
  void a_warm_step_allocates_nothing(Proof proof) {
    float[] logits = SamplingProofs.peaked(128_256, 200, random(6));
    var kept = new Candidates();
    var kernel = new TopKKernel.ThresholdSearch(new LogitScan.Scalar());
    for (int i = 0; i < 50; i++) kernel.select(logits, 50, Ties.EXACTLY_K, kept);
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 20; i++) kernel.select(logits, 50, Ties.EXACTLY_K, kept);
    // the vocabulary is 513 KB: a copy of it per step would show
    proof.atMost("bytes a step", (threads.getCurrentThreadAllocatedBytes() - before) / 20.0, 1024);
  }

  @Claim("parity")
  @GoldenCases("sampling/top-k")
  void equals_the_reference(GoldenCase golden, Proof proof) {
    boolean keepAll = golden.text("ties").equals("keep-all");
    Ties ties = keepAll ? Ties.KEEP_ALL : Ties.EXACTLY_K;
    int k = golden.integer("k");
    int minimum = golden.integer("min_tokens_to_keep");
    var link = new TopK(k, ties, minimum);
    var logits = golden.tensor("logits");
    if (golden.expected().has("probs"))
      golden.expect(
          "probs",
          SamplingProofs.rows(logits, x -> Logits.softmax(link.process(NO_HISTORY, x))),
          proof);
    if (golden.expected().has("kept"))
      golden.expect("kept", Logits.kept(link.process(NO_HISTORY, logits.toArray())));
    if (golden.expected().has("kept_count")) {
      double[] filtered = link.process(NO_HISTORY, logits.toArray());
      double[] kept =
          Arrays.stream(filtered)
              .filter(Double::isFinite)
              .map(x -> -x)
              .sorted()
              .map(x -> -x)
              .toArray();
      golden.expect("kept_count", kept.length, proof);
      golden.expect("kept_logits_sorted", kept, proof);
    }
    if (logits.rank() > 1) return;
    float[] row = floats(logits.toArray());
    int atLeast = k == 0 ? 0 : Math.max(k, minimum);
    kernels()
        .forEach(form -> {
          int[] kept = form.form().kept(row, atLeast, ties);
          if (golden.expected().has("kept")) golden.expect("kept", kept);
          else golden.expect("kept_count", kept.length, proof);
        });
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new TopK(-1), "k", "-1");
    Refusal.of(() -> new TopK(5, Ties.KEEP_ALL, 0), "minTokensToKeep", "0");
    Refusal.of(() -> new TopKNd4j(0), "k", "0");
    Refusal.of(() -> new TopK(2).process(NO_HISTORY, new double[0]), "empty");
    Refusal.of(() -> new TopK(2).process(NO_HISTORY, new double[] {Double.NaN}), "logits[0]");
    kernels()
        .forEach(form -> {
          Refusal.of(() -> form.form().kept(new float[3], -1, Ties.KEEP_ALL), "k", "-1");
          Refusal.of(() -> form.form().kept(new float[0], 1, Ties.KEEP_ALL), "empty");
          float[] nan = {1, Float.NaN};
          Refusal.of(() -> form.form().kept(nan, 1, Ties.KEEP_ALL), "logits[1]", "NaN");
        });
  }
}
