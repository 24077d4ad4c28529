package lemma.core.norm;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import lemma.core.block.TransformerStack;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("deep-norm")
class DeepNormTest {
  private static final int DIM = 32;
  private static final int TOKENS = 8;
  private static final int STARTS = 3;
  private static final LayerNorm NORM = LayerNorm.plain(DIM, 1e-5);

  private enum Step {
    /// In proportion to the gradient.
    DESCENT,
    /// Of the same size for every weight, as the first step of Adam.
    SIGN
  }

  /// How far the output of a stack moves by one small step of training, divided by the size of the
  /// step: the root mean square over its numbers, and the mean over some starts.
  private static double update(int layers, boolean deep, Step kind) {
    double small = 1e-7; // so small that the output is linear in it
    DeepNorm deepNorm = DeepNorm.encoderOnly(layers);
    double update = 0;
    for (int start = 0; start < STARTS; start++) {
      RandomGenerator random = random(start);
      var stack =
          deep
              ? TransformerStack.initial(
                  layers, DIM, 4, deepNorm.around(NORM::apply), deepNorm.beta(), random)
              : TransformerStack.initial(
                  layers, DIM, 4, new NormPlacement.Post(NORM::apply), 1, random);
      Tensor x = Tensor.gaussian(random, TOKENS, DIM);
      Tensor y = stack.apply(x);
      var gradients = y.backward(Tensor.gaussian(random, TOKENS, DIM).div(TOKENS));
      UnaryOperator<Tensor> step =
          switch (kind) {
            case DESCENT -> gradient -> gradient.mul(small);
            case SIGN -> gradient -> gradient.map(Math::signum, v -> 0).mul(small);
          };
      Tensor moved = stack.stepped(gradients, step).apply(x).sub(y.detach());
      update += Math.sqrt(moved.square().mean().item()) / small / STARTS;
    }
    return update;
  }

  @Claim("bounded")
  @Test
  void first_update_is_the_same_at_any_depth_where_that_of_post_norm_grows(Proof proof) {
    double least = Double.POSITIVE_INFINITY;
    double most = 0;
    for (int layers : new int[] {2, 8, 32, 128}) {
      double update = update(layers, true, Step.DESCENT);
      proof.measured("DeepNorm, %d layers".formatted(layers), update);
      least = Math.min(least, update);
      most = Math.max(most, update);
    }
    proof.atMost("DeepNorm: largest / smallest from 2 to 128 layers", most / least, 1.25);
    double shallow = update(2, false, Step.DESCENT);
    double deep = update(128, false, Step.DESCENT);
    proof.measured("post-norm, 2 layers", shallow);
    proof.measured("post-norm, 128 layers", deep);
    proof.atLeast("post-norm: 128 layers / 2 layers", deep / shallow, 20);
  }

  @Claim("adam")
  @Test
  void with_steps_of_equal_size_the_update_grows_with_the_root_of_depth(Proof proof) {
    double shallow = update(2, true, Step.SIGN);
    double deep = update(128, true, Step.SIGN);
    // √(128 / 2) = 8
    assertThat(proof.measured("128 layers / 2 layers", deep / shallow)).isBetween(6.0, 10.0);
  }

  @Claim("budget")
  @Test
  void squares_of_the_weights_over_alpha_sum_to_one_over_all_sublayers(Proof proof) {
    for (int layers : new int[] {1, 6, 24, 100, 1000}) {
      DeepNorm alone = DeepNorm.encoderOnly(layers); // two sublayers a layer
      DeepNorm behind = DeepNorm.decoder(layers); // three
      proof.atMost("|Σ 2β²/α² − 1|, encoder", Math.abs(2 * layers * budget(alone) - 1), 1e-14);
      proof.atMost(
          "|Σ 2β²/α² − 1|, decoder of both", Math.abs(3 * layers * budget(behind) - 1), 1e-14);
    }
  }

  private static double budget(DeepNorm deepNorm) {
    return 2 * Math.pow(deepNorm.beta() / deepNorm.alpha(), 2);
  }

  @Claim("initial")
  @Test
  void initial_weights_have_the_deviation_of_xavier_times_beta(Proof proof) {
    var deepNorm = new DeepNorm(2, 0.25);
    Tensor weight = deepNorm.initial(300, 100, random(1));
    double expected = 0.25 * Math.sqrt(2.0 / 400);
    // 30 000 draws: a standard error of 1/√60 000 = 0.4 %
    proof.atMost(
        "|deviation / expected − 1|",
        Math.abs(Math.sqrt(weight.square().mean().item()) / expected - 1),
        0.015);
  }

  @Claim("repository")
  @GoldenCases(
      value = "core/deepnorm",
      where = "kind",
      in = {"table"})
  void code_of_the_authors_starts_its_encoder_with_larger_weights_than_the_paper(
      GoldenCase golden, Proof proof) {
    int n = golden.integer("encoder_layers");
    int m = golden.integer("decoder_layers");
    boolean both = n > 0 && m > 0;
    assertThat(golden.expected().has("encoder_beta_torchscale")).isEqualTo(both);
    if (!both) return; // alone, code and paper agree
    DeepNorm paper = DeepNorm.encoder(n, m);
    // the code divides by x/1.15 with x = (N⁴M)^(1/16); the paper multiplies by 0.87/x
    golden.expect("encoder_beta_torchscale", paper.beta() / 0.87 * 1.15, proof);
    proof.measured("ratio of the initial weights", 1.15 / 0.87);
  }

  @Claim("parity")
  @GoldenCases("core/deepnorm")
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    switch (golden.text("kind")) {
      case "table" -> {
        int n = golden.integer("encoder_layers");
        int m = golden.integer("decoder_layers");
        if (n > 0)
          expect(
              golden, "encoder", m > 0 ? DeepNorm.encoder(n, m) : DeepNorm.encoderOnly(n), proof);
        if (m > 0)
          expect(golden, "decoder", n > 0 ? DeepNorm.decoder(m) : DeepNorm.decoderOnly(m), proof);
      }
      case "block" -> {
        Tensor x = golden.tensor("x");
        Tensor weight = golden.tensor("W");
        Tensor bias = golden.tensor("b");
        LayerNorm norm = LayerNorm.plain(bias.size(0), 1e-5);
        var placement = new DeepNorm(golden.number("alpha"), 1).around(norm::apply);
        golden.expect(
            "y", placement.apply(x, rows -> rows.matmulTransposed(weight).add(bias)), proof);
      }
      default -> throw new IllegalArgumentException(golden.text("kind"));
    }
  }

  private static void expect(GoldenCase golden, String stack, DeepNorm ours, Proof proof) {
    golden.expect(stack + "_alpha", ours.alpha(), proof);
    golden.expect(stack + "_beta", ours.beta(), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> DeepNorm.encoderOnly(0), "layers", "0");
    Refusal.of(() -> DeepNorm.encoder(6, 0), "decoderLayers", "0");
    Refusal.of(() -> DeepNorm.encoder(-1, 6), "encoderLayers", "-1");
    Refusal.of(() -> DeepNorm.decoder(0), "decoderLayers", "0");
    Refusal.of(() -> new DeepNorm(0, 1), "alpha", "0");
    Refusal.of(() -> new DeepNorm(1, Double.NaN), "beta", "NaN");
    Refusal.of(() -> new DeepNorm(1, 1).initial(0, 3, random(1)), "out", "0");
  }
}
