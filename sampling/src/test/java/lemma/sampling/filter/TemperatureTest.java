package lemma.sampling.filter;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.floats;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.times;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import jdk.incubator.vector.FloatVector;
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

@Proves("temperature")
class TemperatureTest {
  private static final int[] NO_HISTORY = {};

  /// softmax(x / T) in one of the forms.
  interface Form {
    double[] probabilities(double[] logits, double temperature);
  }

  record NamedForm(String name, Form form, double tolerance) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<NamedForm> forms() {
    return Stream.of(
        new NamedForm("formula", TemperatureTest::formula, 1e-15),
        new NamedForm("scalar", scan(new LogitScan.Scalar()), 1e-6),
        new NamedForm("vectorised", scan(new VectorisedLogitScan()), 1e-6),
        new NamedForm("nd4j", TemperatureTest::nd4j, 1e-5)); // its exp is good to six digits
  }

  private static double[] formula(double[] logits, double temperature) {
    return Logits.softmax(new Temperature(temperature).process(NO_HISTORY, logits));
  }

  private static Form scan(LogitScan scan) {
    return (logits, temperature) -> {
      float[] probabilities = new float[logits.length];
      scan.softmax(floats(logits), temperature, probabilities);
      return doubles(probabilities);
    };
  }

  private static double[] nd4j(double[] logits, double temperature) {
    try (INDArray x = Nd4j.create(floats(logits));
        INDArray y = new TemperatureNd4j(temperature).apply(x)) {
      return y.data().asDouble();
    }
  }

  @Claim("cold")
  @ParameterizedTest
  @MethodSource("forms")
  void as_T_falls_to_0_all_mass_goes_to_the_largest_logit(NamedForm form, Proof proof) {
    RandomGenerator random = random(1);
    for (int size : new int[] {2, 17, 1000}) {
      double[] logits = doubles(floats(gaussian(size, random)));
      int best = Logits.argMax(logits);
      logits[best] += 0.01; // a gap that T = 1e-4 makes a hundred
      for (double temperature : new double[] {1e-4, 1e-10, 1e-30})
        proof.atLeast("P(argmax)", form.form().probabilities(logits, temperature)[best], 1 - 1e-6);
    }
  }

  @Claim("cold")
  @Test
  void equals_share_the_mass_in_the_limit_and_the_lowest_id_takes_it_at_0() {
    double[] logits = {1, 3, 3, 2};
    assertThat(formula(logits, 1e-30)).containsExactly(0, 0.5, 0.5, 0);
    assertThat(formula(logits, 0)).containsExactly(0, 1, 0, 0);
    assertThat(formula(new double[] {-7, -7}, 0)).containsExactly(1, 0);
    assertThat(formula(logits, Double.MIN_VALUE)).containsExactly(0, 0.5, 0.5, 0); // 3/T overflows
    float[] same = floats(logits);
    assertThat(new VectorisedLogitScan().argMax(same, new Candidates())).isEqualTo(1);
  }

  @Claim("hot")
  @ParameterizedTest
  @MethodSource("forms")
  void as_T_rises_the_distribution_becomes_uniform(NamedForm form, Proof proof) {
    RandomGenerator random = random(2);
    for (int size : new int[] {2, 17, 1000}) {
      double[] logits = gaussian(size, random);
      double[] uniform = new double[size];
      Arrays.fill(uniform, 1.0 / size);
      for (double temperature : new double[] {1e8, 1e20})
        proof.atMost(
            "max |P − 1/V| · V",
            size * gap(form.form().probabilities(logits, temperature), uniform),
            Math.max(form.tolerance(), 1e-7)); // logits of some units over 1e8
    }
  }

  @Claim("one")
  @ParameterizedTest
  @MethodSource("forms")
  void T_1_leaves_the_distribution_as_it_is_and_is_not_the_hot_limit(NamedForm form, Proof proof) {
    RandomGenerator random = random(3);
    double[] logits = doubles(floats(times(gaussian(100, random), 3)));
    double[] model = Logits.softmax(logits);
    proof.atMost(
        "max |Δ| at T = 1", gap(form.form().probabilities(logits, 1), model), form.tolerance());
    double[] uniform = new double[100];
    Arrays.fill(uniform, 0.01);
    proof.atLeast("max |P − 1/V| at T = 1", gap(form.form().probabilities(logits, 1), uniform), .1);
    proof.atLeast( // "high" temperatures lie above 1: they are what flattens
        "entropy at T = 3 − entropy at T = 1",
        Logits.entropy(times(logits, 1 / 3.0)) - Logits.entropy(logits),
        0.5);
  }

  @Claim("entropy")
  @Test
  void entropy_rises_with_T(Proof proof) {
    RandomGenerator random = random(4);
    double smallest = Double.POSITIVE_INFINITY;
    for (int round = 0; round < 500; round++) {
      double[] logits = times(gaussian(2 + random.nextInt(60), random), 4 * random.nextDouble());
      double temperature = Math.exp(random.nextDouble(-2, 2));
      double factor = random.nextDouble(1.2, 3);
      double rise =
          Logits.entropy(new Temperature(temperature * factor).process(NO_HISTORY, logits))
              - Logits.entropy(new Temperature(temperature).process(NO_HISTORY, logits));
      smallest = Math.min(smallest, rise);
    }
    proof.atLeast("smallest rise in nats", smallest, 0);
  }

  @Claim("order")
  @ParameterizedTest
  @MethodSource("forms")
  void the_order_of_the_tokens_never_changes(NamedForm form) {
    RandomGenerator random = random(5);
    for (double temperature : new double[] {0.2, 0.7, 1, 1.5, 10}) {
      double[] logits = doubles(SamplingProofs.coarse(200, 0.25, random));
      double[] probabilities = form.form().probabilities(logits, temperature);
      for (int a = 0; a < logits.length; a++)
        for (int b = 0; b < logits.length; b++)
          if (logits[a] > logits[b]) assertThat(probabilities[a]).isGreaterThan(probabilities[b]);
    }
  }

  @Claim("exponential")
  @Test
  void the_exponential_on_lanes_is_right_to_two_units_in_the_last_place(Proof proof) {
    int lanes = FloatVector.SPECIES_PREFERRED.length();
    float[] d = new float[lanes];
    for (double temperature : new double[] {1, 0.7, 1e-30, 1e30}) {
      var exp = new VectorExp(temperature);
      double worst = 0;
      int bits = 0;
      int last = Float.floatToRawIntBits((float) (86 * temperature));
      int step = Math.max(1, last / 3_000_000);
      while (bits <= last - step * lanes) {
        for (int i = 0; i < lanes; i++) d[i] = Float.intBitsToFloat(bits += step);
        float[] got =
            exp.ofMinus(FloatVector.fromArray(FloatVector.SPECIES_PREFERRED, d, 0)).toArray();
        for (int i = 0; i < lanes; i++)
          worst = Math.max(worst, Math.abs(got[i] / Math.exp(-d[i] / temperature) - 1));
      }
      proof.atMost("max relative error", worst, 2.5e-7);
    }
    d[0] = Float.POSITIVE_INFINITY;
    var far = FloatVector.fromArray(FloatVector.SPECIES_PREFERRED, d, 0);
    assertThat(new VectorExp(1).ofMinusOrZero(far).lane(0)).isZero();
    assertThat(new VectorExp(1).ofMinus(FloatVector.zero(far.species())).lane(0)).isEqualTo(1);
  }

  @Claim("mass")
  @Test
  void the_fast_sum_of_exponentials_stays_within_its_bound(Proof proof) {
    RandomGenerator random = random(6);
    for (int size : new int[] {1, 15, 16, 33, 511, 513, 4000, 128_256})
      for (double temperature : new double[] {0.3, 1, 2.5, 1e6}) {
        float[] logits =
            SamplingProofs.thinned(SamplingProofs.peaked(size, 20, random), .1, random);
        float max = new LogitScan.Scalar().maxima(logits, new float[LogitScan.CHUNKS]);
        double mass = new VectorisedLogitScan().mass(logits, 0, size, max, temperature);
        double exact = Weight.sum(logits, max, temperature);
        proof.atMost("relative error", Math.abs(mass / exact - 1), LogitScan.MASS_ERROR);
      }
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("forms")
  void every_form_agrees_with_the_formula(NamedForm form, Proof proof) {
    RandomGenerator random = random(7);
    for (int size = 1; size < 140; size++)
      for (double temperature : new double[] {0.5, 1, 1.7}) {
        double[] logits = doubles(floats(times(gaussian(size, random), 5)));
        if (size > 3) logits[size / 2] = Double.NEGATIVE_INFINITY;
        proof.atMost(
            "max |ΔP|",
            gap(form.form().probabilities(logits, temperature), formula(logits, temperature)),
            form.tolerance());
        if (size > 3) assertThat(form.form().probabilities(logits, temperature)[size / 2]).isZero();
      }
  }

  @Claim("parity")
  @GoldenCases("sampling/temperature")
  void equals_the_reference(GoldenCase golden, Proof proof) {
    double temperature = golden.number("temperature");
    var logits = golden.tensor("logits");
    golden.expect("probs", SamplingProofs.rows(logits, x -> formula(x, temperature)), proof);
    if (golden.expected().has("entropy"))
      golden.expect(
          "entropy",
          Logits.entropy(new Temperature(temperature).process(NO_HISTORY, logits.toArray())),
          proof);
    // a logit rounded to float, 2⁻²⁴ of it, divided by T, is the relative error of its probability
    double tolerance =
        1e-6
            + 1.2e-7
                * Arrays.stream(logits.toArray())
                    .map(Math::abs)
                    .filter(Double::isFinite)
                    .max()
                    .orElse(0)
                / temperature;
    forms()
        .forEach(form ->
            golden.expect(
                "probs",
                floats(SamplingProofs.rows(logits, x -> form.form().probabilities(x, temperature))),
                tolerance,
                0,
                proof));
  }

  @Claim("parity")
  @GoldenCases("sampling/temperature-limit")
  void equals_the_reference_in_both_limits(GoldenCase golden, Proof proof) {
    double temperature = golden.number("temperature");
    golden.expect("probs", formula(golden.doubles("logits"), temperature), proof);
  }

  @Claim("parity")
  @GoldenCases("sampling/temperature-zero")
  void T_0_is_greedy_as_in_the_reference(GoldenCase golden, Proof proof) {
    double[] logits = golden.doubles("logits");
    golden.expect("probs", formula(logits, golden.number("temperature")), proof);
    golden.expect("argmax", Logits.argMax(logits), proof);
    var scratch = new Candidates();
    golden.expect("argmax", new VectorisedLogitScan().argMax(floats(logits), scratch), proof);
    golden.expect("argmax", new LogitScan.Scalar().argMax(floats(logits), scratch), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new Temperature(-1), "temperature", "-1");
    Refusal.of(() -> new Temperature(Double.NaN), "temperature", "NaN");
    Refusal.of(() -> new Temperature(Double.POSITIVE_INFINITY), "temperature", "Infinity");
    Refusal.of(() -> new TemperatureNd4j(0), "temperature", "0");
    var link = new Temperature(1);
    Refusal.of(() -> link.process(NO_HISTORY, new double[0]), "logits", "empty");
    Refusal.of(() -> link.process(NO_HISTORY, new double[] {1, Double.NaN}), "logits[1]", "NaN");
    double infinity = Double.POSITIVE_INFINITY;
    Refusal.of(() -> link.process(NO_HISTORY, new double[] {infinity, 1}), "logits[0]", "Infinity");
    Refusal.of(() -> link.process(NO_HISTORY, new double[] {-infinity, -infinity}), "all", "2");
    for (LogitScan scan : new LogitScan[] {new LogitScan.Scalar(), new VectorisedLogitScan()})
      for (int size : new int[] {3, 100}) {
        float[] y = new float[size];
        Refusal.of(() -> scan.softmax(new float[0], 1, new float[0]), "empty");
        Refusal.of(() -> scan.softmax(with(size, Float.NaN), 1, y), "logits[2]", "NaN");
        Refusal.of(() -> scan.softmax(with(size, Float.POSITIVE_INFINITY), 1, y), "logits[2]");
        Refusal.of(() -> scan.maxima(with(size, Float.NaN), new float[256]), "logits[2]", "NaN");
        float[] none = new float[size];
        Arrays.fill(none, Float.NEGATIVE_INFINITY);
        Refusal.of(() -> scan.softmax(none, 1, y), "all -Infinity");
        Refusal.of(() -> scan.maxima(none, new float[256]), "all -Infinity");
        Refusal.of(() -> scan.softmax(y, -1, y), "temperature", "-1");
      }
  }

  private static float[] with(int size, float bad) {
    float[] logits = new float[size];
    logits[2] = bad;
    return logits;
  }
}
