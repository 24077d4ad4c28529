package lemma.diffusion.guidance;

import static lemma.core.tensor.Tensor.LAST;

import java.util.Arrays;
import lemma.core.tensor.Tensor;
import lemma.diffusion.scheduler.Denoiser;

/// Away from the unconditional prediction, through the conditional one and beyond.
///
/// ```
/// ε = ε_u + s·(ε_c − ε_u)                    s: Imagen, Stable Diffusion; 1 is conditional
///   = (1 + w)·ε_c − w·ε_u,   s = 1 + w       w: Ho & Salimans; 0 is conditional
/// ```
///
/// A negative prompt takes the place of the unconditional prediction. `rescale` φ pulls the standard
/// deviation of the result, per image, back to that of ε_c: `φ·ε·std(ε_c)/std(ε) + (1 − φ)·ε`.
///
/// Ho & Salimans 2022, eq. 6, arXiv:2207.12598; Lin et al. 2023, eq. 15–16, arXiv:2305.08891.
/// Answer: `guidance/cfg.md`.
public record ClassifierFreeGuidance(double scale, double rescale) {

  /// @throws IllegalArgumentException if `scale` is not finite or `rescale` is outside [0, 1]
  public ClassifierFreeGuidance {
    if (!Double.isFinite(scale))
      throw new IllegalArgumentException("guidance scale must be finite, was " + scale);
    if (!(rescale >= 0 && rescale <= 1))
      throw new IllegalArgumentException("rescale must lie in [0, 1], was " + rescale);
  }

  public ClassifierFreeGuidance(double scale) {
    this(scale, 0);
  }

  /// The form of the paper: s = 1 + w.
  public static ClassifierFreeGuidance ofWeight(double w) {
    return new ClassifierFreeGuidance(1 + w);
  }

  /// The guided prediction.
  ///
  /// @param unconditional the prediction without the condition, or for a negative prompt
  /// @throws IllegalArgumentException if the shapes differ
  public Tensor combine(Tensor conditional, Tensor unconditional) {
    if (!Arrays.equals(conditional.shape(), unconditional.shape()))
      throw new IllegalArgumentException(
          "conditional %s and unconditional %s must have one shape"
              .formatted(conditional, unconditional));
    Tensor guided = unconditional.add(conditional.sub(unconditional).mul(scale));
    return rescale == 0 ? guided : rescaled(guided, conditional);
  }

  private Tensor rescaled(Tensor guided, Tensor conditional) {
    Tensor matched = guided.mul(deviation(conditional).div(deviation(guided)));
    return matched.mul(rescale).add(guided.mul(1 - rescale));
  }

  /// Standard deviation of every image of a batch, shaped to broadcast over it.
  private static Tensor deviation(Tensor x) {
    int[] shape = new int[x.rank()];
    Arrays.fill(shape, 1);
    shape[0] = x.size(0);
    return x.reshape(x.size(0), x.count() / x.size(0)).variance(LAST, true).sqrt().reshape(shape);
  }

  /// The guided network. It asks twice a step, but only once where the scale leaves one side out.
  public Denoiser guide(Denoiser conditional, Denoiser unconditional) {
    if (scale == 1) return conditional;
    if (scale == 0 && rescale == 0) return unconditional;
    return (x, timestep) ->
        combine(conditional.predict(x, timestep), unconditional.predict(x, timestep));
  }
}
