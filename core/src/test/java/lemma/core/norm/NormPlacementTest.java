package lemma.core.norm;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import lemma.core.activation.Activation;
import lemma.core.attention.MultiHeadAttention;
import lemma.core.block.InitialGradients;
import lemma.core.block.TransformerBlock;
import lemma.core.block.TransformerStack;
import lemma.core.feedforward.FeedForward;
import lemma.core.feedforward.Linear;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("norm-placement")
class NormPlacementTest {
  private static final int STARTS = 8;
  private static final int DEEP = 64;

  private static NormPlacement pre(int dim) {
    return new NormPlacement.Pre(LayerNorm.plain(dim, 1e-5)::apply);
  }

  private static NormPlacement post(int dim) {
    return new NormPlacement.Post(LayerNorm.plain(dim, 1e-5)::apply);
  }

  private static InitialGradients gradients(int layers, int dim, NormPlacement placement) {
    return InitialGradients.of(layers, dim, placement, STARTS, random(1));
  }

  @Claim("first-layer")
  @Test
  void gradient_at_the_first_layer_survives_depth_with_pre_norm_and_fades_with_post_norm(
      Proof proof) {
    int dim = 16;
    double before = gradients(DEEP, dim, pre(dim)).first() / gradients(1, dim, pre(dim)).first();
    double after = gradients(DEEP, dim, post(dim)).first() / gradients(1, dim, post(dim)).first();
    assertThat(proof.measured("first layer of 64 / of 1, pre-norm", before)).isBetween(0.7, 1.5);
    proof.atMost("first layer of 64 / of 1, post-norm", after, 0.2);
  }

  @Claim("width")
  @Test
  void fading_of_post_norm_is_weaker_the_wider_the_stack(Proof proof) {
    double narrower = 0;
    for (int dim : new int[] {8, 16, 32}) {
      InitialGradients ends = gradients(DEEP, dim, post(dim));
      double kept = ends.first() / ends.last();
      proof.measured("first / last of 64 layers, width %d".formatted(dim), kept);
      assertThat(kept).isGreaterThan(2 * narrower);
      narrower = kept;
    }
  }

  @Claim("last-layer")
  @Test
  void gradient_at_the_last_layer_falls_with_the_root_of_depth_with_pre_norm_only(Proof proof) {
    int dim = 16;
    double before = gradients(1, dim, pre(dim)).last() / gradients(DEEP, dim, pre(dim)).last();
    double after = gradients(1, dim, post(dim)).last() / gradients(DEEP, dim, post(dim)).last();
    // √64 = 8; the first layers of a stack add less than their share, which a constant factor shows
    assertThat(proof.measured("last layer of 1 / of 64, pre-norm", before)).isBetween(4.0, 12.0);
    proof.atMost("|ln(last layer of 1 / of 64)|, post-norm", Math.abs(Math.log(after)), 0.3);
  }

  @Claim("stream")
  @Test
  void residual_stream_grows_with_depth_under_pre_norm_and_keeps_its_size_under_post_norm(
      Proof proof) {
    int dim = 16;
    double[] power = new double[2];
    for (int start = 0; start < STARTS; start++)
      for (int i = 0; i < 2; i++) {
        RandomGenerator random = random(start);
        var stack = TransformerStack.initial(i == 0 ? 16 : 64, dim, 2, pre(dim), 1, random);
        power[i] += streamPower(stack, random) / STARTS;
        var post = TransformerStack.initial(16, dim, 2, post(dim), 1, random);
        proof.atMost("|power − 1|, post-norm", Math.abs(streamPower(post, random) - 1), 1e-4);
      }
    proof.measured("power behind 16 layers, pre-norm", power[0]);
    proof.measured("power behind 64 layers, pre-norm", power[1]);
    assertThat(power[1] / power[0]).isBetween(3.0, 6.0); // 4 times as many layers
  }

  private static double streamPower(TransformerStack stack, RandomGenerator random) {
    int dim = stack.blocks().getFirst().feedForward().up().in();
    return stack.stream(Tensor.gaussian(random, 4, dim)).square().mean().item();
  }

  @Claim("path")
  @Test
  void gradient_passes_a_silent_sublayer_unchanged_under_pre_norm_only(Proof proof) {
    Tensor x = Tensor.gaussian(random(1), 3, 8).parameter();
    Tensor seed = Tensor.gaussian(random(2), 3, 8);
    Tensor behindPre = pre(8).apply(x, rows -> rows.mul(0));
    assertThat(behindPre.backward(seed).of(x).toArray()).isEqualTo(seed.toArray());
    Tensor behindPost = post(8).apply(x, rows -> rows.mul(0));
    proof.atLeast(
        "change of the gradient by post-norm",
        gap(behindPost.backward(seed).of(x).toArray(), seed.toArray()),
        0.5);
  }

  @Claim("sandwich")
  @Test
  void under_sandwich_norm_each_sublayer_adds_the_same_power_whatever_its_weights(Proof proof) {
    var norm = LayerNorm.plain(8, 0);
    var sandwich = new NormPlacement.Sandwich(norm::apply, norm::apply);
    Tensor x = Tensor.gaussian(random(3), 5, 8);
    Tensor weight = Tensor.gaussian(random(4), 8, 8);
    for (double scale : new double[] {1e-3, 1, 1e6}) {
      Tensor y = sandwich.apply(x, rows -> rows.matmul(weight.mul(scale)));
      proof.atMost(
          "|power of what is added − 1|", Math.abs(y.sub(x).square().mean().item() - 1), 1e-9);
    }
  }

  @Claim("parity")
  @GoldenCases("core/norm-placement")
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    Activation activation =
        switch (golden.text("activation")) {
          case "relu" -> new Activation.Relu();
          case "gelu" -> new Activation.Gelu();
          default -> throw new IllegalArgumentException(golden.text("activation"));
        };
    var block =
        new TransformerBlock(
            new MultiHeadAttention(
                golden.integer("heads"),
                golden.tensor("in_proj_weight"),
                golden.tensor("in_proj_bias"),
                golden.tensor("out_proj_weight"),
                golden.tensor("out_proj_bias")),
            new FeedForward(
                activation,
                new Linear(golden.tensor("W1"), golden.tensor("b1")),
                new Linear(golden.tensor("W2"), golden.tensor("b2"))),
            placement(golden, "ln1"),
            placement(golden, "ln2"));
    golden.expect("y", block.apply(golden.tensor("x"), Tensor.zeros(1, 1)), proof);
  }

  private static NormPlacement placement(GoldenCase golden, String name) {
    return switch (golden.text("placement")) {
      case "post" -> new NormPlacement.Post(norm(golden, name)::apply);
      case "pre" -> new NormPlacement.Pre(norm(golden, name)::apply);
      case "sandwich" ->
          new NormPlacement.Sandwich(norm(golden, name)::apply, norm(golden, name + "b")::apply);
      default -> throw new IllegalArgumentException(golden.text("placement"));
    };
  }

  private static LayerNorm norm(GoldenCase golden, String name) {
    return new LayerNorm(
        golden.tensor(name + "_weight"), golden.tensor(name + "_bias"), golden.number("eps"));
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Tensor x = Tensor.ones(2, 4);
    Refusal.of(() -> new NormPlacement.Deep(rows -> rows, 0), "alpha", "0");
    Refusal.of(() -> pre(4).apply(x, rows -> Tensor.ones(3, 4)), "[2, 4]", "[3, 4]");
    var block = TransformerBlock.initial(4, 2, pre(4), 1, random(1));
    Refusal.of(() -> block.apply(Tensor.ones(2, 5), Tensor.zeros(1, 1)), "4", "[2, 5]");
    var wide = TransformerBlock.initial(8, 2, pre(8), 1, random(1));
    Refusal.of(
        () ->
            new TransformerBlock(
                block.attention(), wide.feedForward(), block.aroundAttention(), pre(8)),
        "width",
        "4",
        "8");
    Refusal.of(() -> TransformerBlock.initial(4, 3, pre(4), 1, random(1)), "heads", "3");
    Refusal.of(() -> InitialGradients.of(1, 4, pre(4), 0, random(1)), "starts", "0");
    Refusal.of(() -> TransformerStack.initial(0, 4, 2, pre(4), 1, random(1)), "blocks");
  }
}
