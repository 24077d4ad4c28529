package lemma.diffusion.model;

import java.util.Optional;
import lemma.core.feedforward.Linear;
import lemma.core.norm.GroupNorm;
import lemma.core.tensor.Tensor;

/// The residual block of diffusion U-Nets: two convolutions, told the time between them.
///
/// ```
/// h = conv1(silu(norm1(x)))
/// ADD          h = h + Linear(silu(e))            h = norm2(h)
/// SCALE_SHIFT  [s, t] = Linear(silu(e))           h = norm2(h)·(1 + s) + t
/// y = (shortcut(x) + conv2(silu(h))) / outputScale
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `x` | `[n, in, height, width]` | |
/// | `e` | `[n, embeddingDim]` | timestep and class, [TimestepEmbedding] through a small network |
/// | `y` | `[n, out, height, width]` | |
///
/// SCALE_SHIFT is adaptive group normalisation (Dhariwal & Nichol 2021, sec. 3, arXiv:2105.05233); ADD
/// is that of Ho et al. 2020 and Stable Diffusion. Parameters are named as in diffusers.
///
/// @param shortcut a 1×1 convolution where `in` and `out` differ, otherwise the identity
public record ResNetBlock(
    GroupNorm norm1,
    Conv2d conv1,
    Linear timeProjection,
    GroupNorm norm2,
    Conv2d conv2,
    Optional<Conv2d> shortcut,
    Conditioning conditioning,
    double outputScale) {

  /// How the embedding acts on the block.
  public enum Conditioning {
    /// Added to every pixel of a channel, before the second normalisation.
    ADD,
    /// A gain and a shift for each channel, after it.
    SCALE_SHIFT
  }

  /// The sizes of a block.
  public record Config(
      int in,
      int out,
      int embeddingDim,
      int groups,
      double epsilon,
      Conditioning conditioning,
      double outputScale) {

    /// @throws IllegalArgumentException if the groups do not divide the channels, or a size is not
    ///     positive
    public Config {
      if (in < 1 || out < 1 || embeddingDim < 1 || groups < 1) {
        throw new IllegalArgumentException(
            "in %d, out %d, embeddingDim %d and groups %d must be positive"
                .formatted(in, out, embeddingDim, groups));
      }
      if (in % groups != 0 || out % groups != 0) {
        throw new IllegalArgumentException(
            "groups %d must divide in %d and out %d".formatted(groups, in, out));
      }
      if (!(outputScale > 0)) {
        throw new IllegalArgumentException("outputScale must be positive, was " + outputScale);
      }
    }
  }

  /// Asks for `norm1`, `conv1`, `time_emb_proj`, `norm2`, `conv2` and, if needed, `conv_shortcut`.
  public static ResNetBlock of(Weights weights, Config config) {
    int in = config.in();
    int out = config.out();
    boolean scaleShift = config.conditioning() == Conditioning.SCALE_SHIFT;
    return new ResNetBlock(
        weights.groupNorm("norm1", config.groups(), in, config.epsilon()),
        Conv2d.same(weights.under("conv1"), in, out, 3),
        weights.linear("time_emb_proj", config.embeddingDim(), scaleShift ? 2 * out : out),
        weights.groupNorm("norm2", config.groups(), out, config.epsilon()),
        Conv2d.same(weights.under("conv2"), out, out, 3),
        in == out
            ? Optional.empty()
            : Optional.of(Conv2d.same(weights.under("conv_shortcut"), in, out, 1)),
        config.conditioning(),
        config.outputScale());
  }

  /// `x [n, in, height, width]`, `embedding [n, embeddingDim]` → `[n, out, height, width]`.
  public Tensor apply(Tensor x, Tensor embedding) {
    Tensor h = conv1.apply(norm1.apply(x).silu());
    Tensor projected = timeProjection.apply(embedding.silu());
    Tensor time = projected.reshape(projected.size(0), -1, 1, 1);
    h =
        switch (conditioning) {
          case ADD -> norm2.apply(h.add(time));
          case SCALE_SHIFT -> {
            int channels = h.size(1);
            Tensor scale = time.slice(1, 0, channels);
            Tensor shift = time.slice(1, channels, 2 * channels);
            yield norm2.apply(h).mul(scale.add(1)).add(shift);
          }
        };
    h = conv2.apply(h.silu());
    Tensor y = shortcut.map(convolution -> convolution.apply(x)).orElse(x).add(h);
    return outputScale == 1 ? y : y.div(outputScale);
  }
}
