package lemma.diffusion.model;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Gradients;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("timestep-embedding")
class TimestepEmbeddingTest {
  private static final GlyphDenoiser.Config TINY = new GlyphDenoiser.Config(8, 3, 4, 8, 6, 2, 2);

  @Claim("distance")
  @Test
  void the_product_of_two_embeddings_depends_only_on_their_distance(Proof proof) {
    // Σ cos(aᵢ)cos(bᵢ) + sin(aᵢ)sin(bᵢ) = Σ cos(aᵢ − bᵢ); angles up to 1000 leave 1e-13 of rounding
    var embedding = TimestepEmbedding.stableDiffusion(64);
    RandomGenerator random = random(1);
    for (int trial = 0; trial < 200; trial++) {
      int distance = random.nextInt(500);
      int t = random.nextInt(500);
      int other = random.nextInt(500);
      proof.atMost(
          "max |Δ|",
          Math.abs(
              product(embedding.apply(t, t + distance))
                  - product(embedding.apply(other, other + distance))),
          1e-10);
    }
  }

  @Claim("distinct")
  @Test
  void no_two_of_a_thousand_timesteps_share_an_embedding(Proof proof) {
    double[] timesteps = Tensor.arange(1000).toArray();
    Tensor e = TimestepEmbedding.stableDiffusion(32).apply(timesteps);
    Tensor products = e.matmulTransposed(e); // 16 on the diagonal, by cos² + sin² = 1
    double nearest = 0;
    for (int i = 0; i < 1000; i++) {
      for (int j = 0; j < i; j++) nearest = Math.max(nearest, products.get(i, j) / 16);
    }
    proof.atMost("largest cosine of two timesteps", nearest, 0.99);
  }

  @Claim("every-block")
  @Test
  void every_block_is_told_the_time_and_the_image_is_not_changed_by_it() {
    Map<String, Tensor> parameters = parameters(2);
    GlyphDenoiser network = GlyphDenoiser.of(Weights.of(parameters), TINY);
    Tensor x = Tensor.gaussian(random(3), 2, 1, 8, 8);
    Tensor loss = network.predict(x, new double[] {10, 700}, new int[] {0, 1}).square().mean();
    Gradients gradients = loss.backward();
    long told =
        parameters.entrySet().stream()
            .filter(entry -> entry.getKey().endsWith("time_emb_proj.weight"))
            .peek(entry ->
                assertThat(gradients.of(entry.getValue()).square().sum().item()).isPositive())
            .count();
    assertThat(told).isEqualTo(5); // two on the way down, one below, two on the way up

    // Where no block listens, the timestep has no way to the output: it is not in the image.
    Map<String, Tensor> deaf = new LinkedHashMap<>(parameters);
    deaf.replaceAll((name, value) -> name.contains("time_emb_proj") ? value.mul(0) : value);
    GlyphDenoiser silent = GlyphDenoiser.of(Weights.of(deaf), TINY);
    Tensor early = silent.predict(x, new double[] {10, 10}, new int[] {0, 1});
    Tensor late = silent.predict(x, new double[] {900, 900}, new int[] {0, 1});
    assertThat(early.toArray()).isEqualTo(late.toArray());
    assertThat(network.predict(x, new double[] {10, 10}, new int[] {0, 1}).toArray())
        .isNotEqualTo(network.predict(x, new double[] {900, 900}, new int[] {0, 1}).toArray());
  }

  @Claim("parity")
  @GoldenCases("diffusion/timestep-embedding")
  void equals_the_reference_implementations(GoldenCase golden, Proof proof) {
    int dim = golden.integer("dim");
    if (golden.text("kind").equals("lcm-guidance")) {
      var embedding = new TimestepEmbedding(dim, false, 1, 1000, 10_000);
      golden.expect("embedding", embedding.apply(golden.doubles("w")), proof);
      return;
    }
    var embedding =
        new TimestepEmbedding(
            dim,
            golden.flag("flip_sin_to_cos"),
            golden.number("downscale_freq_shift"),
            golden.number("scale"),
            golden.number("max_period"));
    golden.expect("embedding", embedding.apply(golden.doubles("t")), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> TimestepEmbedding.stableDiffusion(1), "dim", "1");
    Refusal.of(() -> TimestepEmbedding.ddpm(2), "dim 2", "downscaleFreqShift 1");
    Refusal.of(() -> new TimestepEmbedding(8, true, 0, 0, 10_000), "scale", "0.0");
    Refusal.of(() -> new TimestepEmbedding(8, true, 0, 1, -1), "maxPeriod", "-1.0");
  }

  private static double product(Tensor pair) {
    return pair.select(0, 0).mul(pair.select(0, 1)).sum().item();
  }

  /// Random values everywhere: the zeros of a fresh network would hide what a block hears.
  private static Map<String, Tensor> parameters(long seed) {
    RandomGenerator random = random(seed);
    Map<String, Tensor> parameters = new LinkedHashMap<>();
    GlyphDenoiser.shapes(TINY)
        .forEach((name, shape) ->
            parameters.put(name, Tensor.gaussian(random, shape).mul(0.3).parameter()));
    return parameters;
  }
}
