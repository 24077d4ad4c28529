package lemma.diffusion.model;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.feedforward.Linear;
import lemma.core.norm.GroupNorm;
import lemma.core.tensor.Tensor;
import lemma.diffusion.model.ResNetBlock.Conditioning;

/// The shipped image model: a small class-conditional U-Net.
///
/// ```
/// e = time(t) + class(c)                                                  to every ResNet block
/// x [1, 24, 24] → unshuffle [4, 12, 12] → conv_in ── down.0 ───────────────── up.0 → conv_out → shuffle
///                                                      └ down.1, attention ─ up.1 ┘       [wide, 12, 12]
///                                                           └ mid ┘                     [narrow, 6, 6]
/// ```
///
/// The class `classes` (one past the last) means "no class": it is what training puts in place of a
/// dropped condition, and what classifier-free guidance asks for.
///
/// Ho et al. 2020, app. B, arXiv:2006.11239; Dhariwal & Nichol 2021, sec. 3, arXiv:2105.05233. Answer:
/// `image/unet.md`.
public record GlyphDenoiser(
    Config config,
    Linear time1,
    Linear time2,
    Tensor classTable,
    Conv2d convIn,
    ResNetBlock down0,
    Resampling.Downsample downsample,
    ResNetBlock down1,
    SelfAttention2d attention,
    ResNetBlock mid,
    ResNetBlock up1,
    Resampling.Upsample upsample,
    ResNetBlock up0,
    GroupNorm normOut,
    Conv2d convOut) {

  private static final double EPSILON = 1e-5;

  /// The sizes of the network.
  ///
  /// @param imageSize height and width of the images, a multiple of 4
  /// @param classes number of classes without the empty one
  /// @param channels at half resolution
  /// @param innerChannels at a quarter of it
  /// @param embeddingDim of timestep and class
  /// @param groups of every normalisation
  /// @param heads of the attention
  public record Config(
      int imageSize,
      int classes,
      int channels,
      int innerChannels,
      int embeddingDim,
      int groups,
      int heads) {

    /// @throws IllegalArgumentException if a size is not positive or does not divide another
    public Config {
      if (imageSize < 4 || imageSize % 4 != 0) {
        throw new IllegalArgumentException(
            "imageSize must be a positive multiple of 4, was " + imageSize);
      }
      if (classes < 1 || channels < 1 || innerChannels < 1 || embeddingDim < 2) {
        throw new IllegalArgumentException(
            "classes %d, channels %d and innerChannels %d must be positive, embeddingDim %d at least 2"
                .formatted(classes, channels, innerChannels, embeddingDim));
      }
      if (groups < 1 || channels % groups != 0 || innerChannels % groups != 0) {
        throw new IllegalArgumentException(
            "groups %d must divide channels %d and innerChannels %d"
                .formatted(groups, channels, innerChannels));
      }
      if (heads < 1 || innerChannels % heads != 0) {
        throw new IllegalArgumentException(
            "heads %d must divide innerChannels %d".formatted(heads, innerChannels));
      }
    }

    /// The label that stands for no class.
    public int nullLabel() {
      return classes;
    }
  }

  /// Asks for every parameter of the network.
  public static GlyphDenoiser of(Weights weights, Config config) {
    int wide = config.channels();
    int inner = config.innerChannels();
    int embedding = config.embeddingDim();
    int groups = config.groups();
    return new GlyphDenoiser(
        config,
        weights.linear("time_embedding.linear_1", wide, embedding),
        weights.linear("time_embedding.linear_2", embedding, embedding),
        weights.get("class_embedding.weight", config.classes() + 1, embedding),
        Conv2d.same(weights.under("conv_in"), 4, wide, 3),
        block(weights.under("down_blocks.0.resnets.0"), wide, wide, config),
        Resampling.Downsample.of(weights.under("down_blocks.0.downsamplers.0"), wide, wide),
        block(weights.under("down_blocks.1.resnets.0"), wide, inner, config),
        SelfAttention2d.of(
            weights.under("down_blocks.1.attentions.0"), inner, config.heads(), groups, EPSILON),
        block(weights.under("mid_block.resnets.0"), inner, inner, config),
        block(weights.under("up_blocks.0.resnets.0"), 2 * inner, wide, config),
        Resampling.Upsample.of(weights.under("up_blocks.0.upsamplers.0"), wide, wide),
        block(weights.under("up_blocks.1.resnets.0"), 2 * wide, wide, config),
        weights.groupNorm("conv_norm_out", groups, wide, EPSILON),
        Conv2d.same(weights.under("conv_out"), wide, 4, 3));
  }

  private static ResNetBlock block(Weights weights, int in, int out, Config config) {
    return ResNetBlock.of(
        weights,
        new ResNetBlock.Config(
            in, out, config.embeddingDim(), config.groups(), EPSILON, Conditioning.SCALE_SHIFT, 1));
  }

  /// Names and shapes of all parameters.
  public static Map<String, int[]> shapes(Config config) {
    return Weights.shapesOf(weights -> of(weights, config));
  }

  /// Parameters to start training from. The last layer of every residual branch, and of the network,
  /// is zero: each block begins as the identity and the first prediction is 0.
  public static Map<String, Tensor> initial(Config config, RandomGenerator random) {
    Map<String, Tensor> start = new LinkedHashMap<>(Weights.initial(shapes(config), random));
    start.replaceAll((name, tensor) ->
        name.matches(".*(conv2|to_out\\.0|conv_out)\\.weight") ? tensor.mul(0) : tensor);
    return start;
  }

  /// What the network sees in a noisy image: `x [n, 1, size, size]`, a timestep and a label each →
  /// `[n, 1, size, size]`.
  ///
  /// @throws IllegalArgumentException if the numbers of images, timesteps and labels differ, or a
  ///     label is not in 0…classes
  public Tensor predict(Tensor x, double[] timesteps, int[] labels) {
    check(x, timesteps, labels);
    Tensor time = TimestepEmbedding.stableDiffusion(config.channels()).apply(timesteps);
    Tensor embedding = time2.apply(time1.apply(time).silu()).add(classTable.rows(labels));

    Tensor h0 = convIn.apply(Resampling.pixelUnshuffle(x, 2)); // [n, channels, size/2, size/2]
    Tensor h1 = down0.apply(h0, embedding);
    Tensor h2 =
        attention.apply(down1.apply(downsample.apply(h1), embedding)); // [n, inner, size/4, …]
    Tensor h = mid.apply(h2, embedding);
    h = up1.apply(Tensor.concat(1, h, h2), embedding);
    h = up0.apply(Tensor.concat(1, upsample.apply(h), h1), embedding);
    return Resampling.pixelShuffle(convOut.apply(normOut.apply(h).silu()), 2);
  }

  private void check(Tensor x, double[] timesteps, int[] labels) {
    int size = config.imageSize();
    int[] expected = {labels.length, 1, size, size};
    if (!Arrays.equals(x.shape(), expected) || timesteps.length != labels.length) {
      throw new IllegalArgumentException(
          "x %s, %d timesteps and %d labels: expected [n, 1, %d, %d], n and n"
              .formatted(Arrays.toString(x.shape()), timesteps.length, labels.length, size, size));
    }
    for (int label : labels) {
      if (label < 0 || label > config.classes()) {
        throw new IllegalArgumentException(
            "labels must be between 0 and %d (none), one was %d"
                .formatted(config.classes(), label));
      }
    }
  }
}
