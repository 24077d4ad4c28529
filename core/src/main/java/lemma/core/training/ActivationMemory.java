package lemma.core.training;

/// What a transformer keeps for the backward pass, in half precision and on one device.
///
/// ```
/// bytes of a layer = s·b·h·(34 + 5·a·s/h)        2·s·b·h if only its input is kept
/// ```
///
/// | symbol | |
/// |---|---|
/// | `s`, `b` | tokens of a sequence, sequences |
/// | `h`, `a` | hidden size, heads |
///
/// The second term is the attention scores, which flash attention does not keep.
///
/// Korthikanti et al. 2022, eq. 2, arXiv:2205.05198. Answer: `training/optimisation.md`.
public record ActivationMemory(int layers, int sequence, int batch, int hidden, int heads) {

  /// @throws IllegalArgumentException if a number is not positive
  public ActivationMemory {
    if (layers <= 0 || sequence <= 0 || batch <= 0 || hidden <= 0 || heads <= 0)
      throw new IllegalArgumentException(
          "layers %d, sequence %d, batch %d, hidden %d and heads %d must be positive"
              .formatted(layers, sequence, batch, hidden, heads));
  }

  private double tokens() {
    return (double) sequence * batch * hidden;
  }

  /// Attention's part of the bracket.
  private double scores() {
    return 5.0 * heads * sequence / hidden;
  }

  /// Bytes for all layers if everything is kept.
  public double fullBytes() {
    return layers * tokens() * (34 + scores());
  }

  /// Bytes for all layers if only their inputs are kept.
  public double checkpointedBytes() {
    return layers * 2 * tokens();
  }

  /// The attention scores' share of [#fullBytes].
  public double attentionShare() {
    return scores() / (34 + scores());
  }

  /// Layers alive at the worst moment if the input of every `segment`-th layer is kept: those inputs,
  /// and one segment that is computed again. Both counted as whole layers.
  public double peakLayers(int segment) {
    if (segment < 1 || segment > layers)
      throw new IllegalArgumentException(
          "segment must be in [1, %d], was %d".formatted(layers, segment));
    return (double) layers / segment + segment;
  }

  /// The segment with the smallest peak, near √layers.
  public int bestSegment() {
    int best = 1;
    for (int k = 2; k <= layers; k++) if (peakLayers(k) < peakLayers(best)) best = k;
    return best;
  }
}
