package lemma.core.position;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.core.position.Sinusoidal.Layout;
import lemma.core.position.Sinusoidal.Spacing;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("sinusoidal")
class SinusoidalTest {

  @Claim("linear-map")
  @Test
  void embedding_k_later_is_one_matrix_times_the_embedding_for_every_position(Proof proof) {
    for (Layout layout : Layout.values())
      for (Spacing spacing : Spacing.values())
        for (int dim : new int[] {4, 10, 128}) {
          var embedding = new Sinusoidal(dim, layout, spacing, 10_000);
          for (int k : new int[] {-40, 0, 1, 2, 17, 1000}) {
            Tensor map = embedding.shift(k);
            int[] positions = IntStream.range(50, 150).map(p -> 37 * p).toArray();
            int[] later = Arrays.stream(positions).map(p -> p + k).toArray();
            Tensor mapped = embedding.apply(positions).matmulTransposed(map);
            proof.atMost( // angles up to 6550 are known to 5e-13
                "max |PE(p + k) − M·PE(p)|",
                gap(mapped.toArray(), embedding.apply(later).toArray()),
                5e-12);
          }
        }
  }

  @Claim("rotation")
  @Test
  void that_matrix_is_a_rotation_and_shifts_add_up(Proof proof) {
    Sinusoidal embedding = Sinusoidal.of(32);
    for (int a : new int[] {1, 5, -3})
      for (int b : new int[] {0, 7, 200}) {
        Tensor map = embedding.shift(a);
        double[] square = map.matmulTransposed(map).toArray();
        proof.atMost("max |M·Mᵀ − I|", gap(square, Tensor.eye(32).toArray()), 1e-15);
        double[] twice = map.matmul(embedding.shift(b)).toArray();
        proof.atMost(
            "max |M_a·M_b − M_(a+b)|", gap(twice, embedding.shift(a + b).toArray()), 1e-13);
      }
  }

  @Claim("product")
  @Test
  void product_of_two_embeddings_depends_on_their_distance_and_not_on_its_sign(Proof proof) {
    Sinusoidal embedding = Sinusoidal.of(64);
    for (int distance : new int[] {0, 1, 6, 100}) {
      double expected =
          Arrays.stream(embedding.frequencies()).map(f -> Math.cos(distance * f)).sum();
      for (int p : new int[] {0, 3, 500, 4000}) {
        proof.atMost(
            "|PE(p)·PE(p + k) − Σ cos kθ|",
            Math.abs(product(embedding, p, p + distance) - expected),
            1e-10);
        assertThat(product(embedding, p + distance, p))
            .isEqualTo(product(embedding, p, p + distance)); // before and after look the same
      }
    }
  }

  private static double product(Sinusoidal embedding, int p, int q) {
    Tensor rows = embedding.apply(p, q);
    return rows.select(0, 0).mul(rows.select(0, 1)).sum().item();
  }

  @Claim("distinct")
  @Test
  void no_two_of_a_hundred_thousand_positions_share_an_embedding(Proof proof) {
    double[] frequencies = Sinusoidal.of(64).frequencies();
    double least = Double.POSITIVE_INFINITY;
    for (int distance = 1; distance < 100_000; distance++) {
      double squared = 0; // |PE(p + k) − PE(p)|² is the same for every p
      for (double frequency : frequencies) squared += 2 - 2 * Math.cos(distance * frequency);
      least = Math.min(least, Math.sqrt(squared));
    }
    proof.atLeast("least distance of two embeddings", least, 0.9);
  }

  @Claim("not-relative")
  @Test
  void through_learned_projections_a_score_depends_on_the_absolute_position(Proof proof) {
    RandomGenerator random = random(1);
    Sinusoidal embedding = Sinusoidal.of(32);
    Tensor x = Tensor.gaussian(random, 1, 32);
    Tensor y = Tensor.gaussian(random, 1, 32);
    Tensor queryWeight = Tensor.gaussian(random, 32, 32).div(Math.sqrt(32));
    Tensor keyWeight = Tensor.gaussian(random, 32, 32).div(Math.sqrt(32));
    double[] scores = new double[60];
    double[] position = new double[60];
    for (int p = 0; p < 60; p++) { // always three apart
      Tensor q = x.add(embedding.apply(p + 3)).matmul(queryWeight);
      Tensor k = y.add(embedding.apply(p)).matmul(keyWeight);
      scores[p] = q.matmulTransposed(k).item();
      Tensor own = embedding.apply(p + 3).matmul(queryWeight);
      position[p] = own.matmulTransposed(embedding.apply(p).matmul(keyWeight)).item();
    }
    proof.atLeast("spread of the score at one distance", spread(scores), 1);
    proof.atLeast("spread of its position-position part", spread(position), 1);
  }

  private static double spread(double[] values) {
    return Arrays.stream(values).max().orElseThrow() - Arrays.stream(values).min().orElseThrow();
  }

  @Claim("parity")
  @GoldenCases("core/sinusoidal")
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    Layout layout =
        switch (golden.text("layout")) {
          case "interleaved" -> Layout.INTERLEAVED;
          case "concat" -> Layout.CONCATENATED;
          default -> throw new IllegalArgumentException(golden.text("layout"));
        };
    Spacing spacing =
        switch (golden.text("denominator")) {
          case "half" -> Spacing.HALF;
          case "half-minus-1" -> Spacing.HALF_MINUS_ONE;
          default -> throw new IllegalArgumentException(golden.text("denominator"));
        };
    var embedding =
        new Sinusoidal(golden.integer("d_model"), layout, spacing, golden.number("base"));
    golden.expect("pe", embedding.apply(golden.ints("positions")), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> Sinusoidal.of(7), "dim", "7");
    Refusal.of(() -> Sinusoidal.of(0), "dim", "0");
    Refusal.of(
        () -> new Sinusoidal(2, Layout.INTERLEAVED, Spacing.HALF_MINUS_ONE, 10_000), "dim", "2");
    Refusal.of(
        () -> new Sinusoidal(4, Layout.INTERLEAVED, Spacing.HALF, Double.NaN), "base", "NaN");
  }
}
