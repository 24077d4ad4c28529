package lemma.diffusion.model;

import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.diffusion.model.ResNetBlock.Conditioning;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("unet")
class UnetBlocksTest {

  @Claim("identity")
  @Test
  void a_fresh_block_is_the_identity_and_a_fresh_network_predicts_zero() {
    RandomGenerator random = random(1);
    var config = new ResNetBlock.Config(8, 8, 6, 4, 1e-5, Conditioning.SCALE_SHIFT, 1);
    Map<String, Tensor> start =
        new LinkedHashMap<>(
            Weights.initial(Weights.shapesOf(weights -> ResNetBlock.of(weights, config)), random));
    start.replaceAll((name, value) -> name.equals("conv2.weight") ? value.mul(0) : value);
    Tensor x = Tensor.gaussian(random, 2, 8, 5, 5);
    Tensor e = Tensor.gaussian(random, 2, 6);
    assertThat(ResNetBlock.of(Weights.of(start), config).apply(x, e).toArray())
        .isEqualTo(x.toArray());

    var sizes = new GlyphDenoiser.Config(8, 3, 4, 8, 6, 2, 2);
    var network = GlyphDenoiser.of(Weights.of(GlyphDenoiser.initial(sizes, random)), sizes);
    Tensor image = Tensor.gaussian(random, 2, 1, 8, 8);
    Tensor predicted = network.predict(image, new double[] {0, 999}, new int[] {0, 3});
    assertThat(predicted.toArray()).containsOnly(0.0);
  }

  @Claim("skips")
  @Test
  void detail_crosses_by_the_skips() {
    RandomGenerator random = random(4);
    var sizes = new GlyphDenoiser.Config(24, 3, 4, 8, 6, 2, 2);
    Map<String, Tensor> weights = new LinkedHashMap<>();
    GlyphDenoiser.shapes(sizes)
        .forEach((name, shape) -> weights.put(name, Tensor.gaussian(random, shape).mul(0.3)));
    weights.replaceAll((name, value) -> name.contains("upsamplers") ? value.mul(0) : value);
    var network = GlyphDenoiser.of(Weights.of(weights), sizes);
    Tensor x = Tensor.gaussian(random, 1, 1, 24, 24);
    double[] pixels = x.toArray();
    pixels[10 * 24 + 7] += 1;
    Tensor changed = Tensor.of(pixels, 1, 1, 24, 24);
    double[] t = {300};
    int[] label = {1};
    Tensor change = network.predict(changed, t, label).sub(network.predict(x, t, label)).abs();
    assertThat(change.get(0, 0, 10, 7)).isPositive();
    double near = change.slice(2, 4, 16).slice(3, 2, 14).max().item();
    assertThat(near).isEqualTo(change.max().item());
  }

  @Claim("attention")
  @Test
  void self_attention_sees_every_pixel_and_no_positions(Proof proof) {
    RandomGenerator random = random(2);
    var shapes = Weights.shapesOf(weights -> SelfAttention2d.of(weights, 8, 2, 4, 1e-5));
    var attention = SelfAttention2d.of(Weights.of(Weights.initial(shapes, random)), 8, 2, 4, 1e-5);
    Tensor x = Tensor.gaussian(random, 1, 8, 4, 4);

    // Exchanged pixels are exchanged in the output: means over pixels differ by their order alone.
    Tensor turned = x.transpose(2, 3);
    proof.atMost(
        "relative gap after exchanging pixels",
        relativeGap(
            attention.apply(turned).toArray(), attention.apply(x).transpose(2, 3).toArray()),
        1e-13);

    // Its own norm and its own row aside, what a pixel receives from one far away is not zero.
    Tensor leaf = x.parameter();
    Tensor corner = attention.apply(leaf).slice(2, 0, 1).slice(3, 0, 1).sum();
    Tensor gradient = corner.backward().of(leaf);
    assertThat(gradient.slice(2, 3, 4).slice(3, 3, 4).abs().max().item()).isGreaterThan(1e-6);
  }

  @Claim("shuffle")
  @Test
  void unshuffled_pixels_come_back_unchanged() {
    RandomGenerator random = random(3);
    for (int factor : new int[] {1, 2, 3}) {
      Tensor x = Tensor.gaussian(random, 2, 3, 2 * factor, 4 * factor);
      Tensor channels = Resampling.pixelUnshuffle(x, factor);
      assertThat(channels.shape()).containsExactly(2, 3 * factor * factor, 2, 4);
      assertThat(Resampling.pixelShuffle(channels, factor).toArray()).isEqualTo(x.toArray());
    }
  }

  @Claim("parity")
  @GoldenCases("diffusion/resnet-block")
  void residual_block_equals_the_reference(GoldenCase golden, Proof proof) {
    Tensor temb = golden.tensor("temb");
    var config =
        new ResNetBlock.Config(
            golden.integer("in_channels"),
            golden.integer("out_channels"),
            temb.size(1),
            golden.integer("groups"),
            golden.number("eps"),
            golden.text("time_embedding_norm").equals("scale_shift")
                ? Conditioning.SCALE_SHIFT
                : Conditioning.ADD,
            golden.number("output_scale_factor"));
    Map<String, Tensor> weights = weights(golden);
    Weights.check(weights, Weights.shapesOf(all -> ResNetBlock.of(all, config)));
    ResNetBlock block = ResNetBlock.of(Weights.of(weights), config);
    golden.expect("y", block.apply(golden.tensor("x"), temb), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/resampling")
  void resampling_equals_the_reference(GoldenCase golden, Proof proof) {
    Tensor x = golden.tensor("x");
    Map<String, Tensor> weights = weights(golden);
    switch (golden.text("kind")) {
      case "upsample" -> {
        int channels = golden.integer("channels");
        golden.expect(
            "y", Resampling.Upsample.of(Weights.of(weights), channels, channels).apply(x), proof);
      }
      case "downsample-pad1" -> {
        int channels = golden.integer("channels");
        golden.expect(
            "y", Resampling.Downsample.of(Weights.of(weights), channels, channels).apply(x), proof);
      }
      case "downsample-asymmetric" -> {
        var conv = new Conv2d(weights.get("conv.weight"), weights.get("conv.bias"), 2, 0);
        golden.expect("y", new Resampling.Downsample(conv).apply(x), proof);
      }
      case "avgpool" -> golden.expect("y", x.averagePool(2), proof);
      case "pixel_unshuffle" -> {
        int factor = golden.integer("r");
        Tensor y = Resampling.pixelUnshuffle(x, factor);
        golden.expect("y", y, proof);
        golden.expect("back", Resampling.pixelShuffle(y, factor), proof);
      }
      case "circular_conv" -> {
        Tensor weight = weights.get("weight");
        Tensor bias = weights.get("bias");
        int padding = golden.integer("kernel") / 2;
        golden.expect("y", Resampling.wrap(x, padding).conv2d(weight, bias, 1, 0), proof);
        golden.expect("y_zero_padding", x.conv2d(weight, bias, 1, padding), proof);
        double[] roll = GoldenCase.numbers(golden.params().get("roll"));
        Tensor rolled = roll(roll(x, 2, (int) roll[0]), 3, (int) roll[1]);
        golden.expect(
            "y_of_rolled", Resampling.wrap(rolled, padding).conv2d(weight, bias, 1, 0), proof);
      }
      default -> throw new IllegalArgumentException(golden.text("kind"));
    }
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(
        () -> new ResNetBlock.Config(6, 8, 4, 4, 1e-5, Conditioning.ADD, 1), "groups 4", "in 6");
    Refusal.of(() -> new GlyphDenoiser.Config(10, 3, 4, 8, 6, 2, 2), "imageSize", "10");
    Refusal.of(() -> new GlyphDenoiser.Config(8, 3, 4, 8, 6, 3, 2), "groups 3", "channels 4");
    Refusal.of(() -> Resampling.pixelUnshuffle(Tensor.zeros(1, 1, 3, 4), 2), "[1, 1, 3, 4]", "2");
    Refusal.of(() -> Resampling.pixelShuffle(Tensor.zeros(1, 3, 2, 2), 2), "[1, 3, 2, 2]");
    Refusal.of(() -> Resampling.wrap(Tensor.zeros(1, 1, 2, 2), 3), "padding", "3");
    var sizes = new GlyphDenoiser.Config(8, 3, 4, 8, 6, 2, 2);
    var start = GlyphDenoiser.initial(sizes, random(1));
    var network = GlyphDenoiser.of(Weights.of(start), sizes);
    Tensor x = Tensor.zeros(1, 1, 8, 8);
    Refusal.of(() -> network.predict(x, new double[1], new int[] {4}), "labels", "3", "4");
    Refusal.of(() -> network.predict(x, new double[2], new int[] {0}), "2 timesteps");
    Refusal.of(
        () -> network.predict(Tensor.zeros(1, 1, 4, 4), new double[1], new int[1]), "[1, 1, 4, 4]");

    Map<String, Tensor> missing = new LinkedHashMap<>(start);
    missing.remove("conv_in.bias");
    Refusal.of(
        () -> Weights.check(missing, GlyphDenoiser.shapes(sizes)), "conv_in.bias", "missing");
    Map<String, Tensor> extra = new LinkedHashMap<>(start);
    extra.put("conv_in.scale", Tensor.ones(4));
    Refusal.of(() -> Weights.check(extra, GlyphDenoiser.shapes(sizes)), "conv_in.scale", "unknown");
    Map<String, Tensor> misshapen = new LinkedHashMap<>(start);
    misshapen.put("conv_in.bias", Tensor.ones(5));
    Refusal.of(
        () -> Weights.check(misshapen, GlyphDenoiser.shapes(sizes)), "conv_in.bias", "[4]", "[5]");
  }

  /// Each index moves on by `by`, the last ones come back in front.
  private static Tensor roll(Tensor x, int axis, int by) {
    int size = x.size(axis);
    int split = size - Math.floorMod(by, size);
    return Tensor.concat(axis, x.slice(axis, split, size), x.slice(axis, 0, split));
  }

  private static Map<String, Tensor> weights(GoldenCase golden) {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    golden
        .inputs()
        .propertyStream()
        .filter(input -> input.getKey().startsWith("weights."))
        .forEach(input ->
            weights.put(
                input.getKey().substring("weights.".length()),
                GoldenCase.tensor(input.getValue())));
    return weights;
  }
}
