package lemma.core.accounting;

/// The bytes that training holds from step to step: activations come on top.
///
/// | for each parameter | mixed precision | float32 |
/// |---|---|---|
/// | weights | 2 | 4 |
/// | gradients | 2 | 4 |
/// | optimiser: float32 weights | 4 | |
/// | optimiser: two moments of Adam | 4 + 4 | 4 + 4 |
/// | | **16** | **16** |
///
/// Half precision does not make these smaller: the float32 weights that it saves come back in the
/// optimiser. It makes activations smaller, and matrix products faster.
///
/// Rajbhandari et al. 2020, section 3.1, arXiv:1910.02054. Answer: `model/memory-estimate.md`.
public record TrainingMemory(long weights, long gradients, long optimiser) {

  /// @throws IllegalArgumentException if a number is negative
  public TrainingMemory {
    if (weights < 0 || gradients < 0 || optimiser < 0)
      throw new IllegalArgumentException(
          "weights, gradients and optimiser must be 0 or more, were %d, %d, %d"
              .formatted(weights, gradients, optimiser));
  }

  /// Adam with weights and gradients in 16 bits.
  public static TrainingMemory mixedPrecision(long parameters) {
    return new TrainingMemory(2 * parameters, 2 * parameters, 12 * parameters);
  }

  /// Adam with everything in 32 bits.
  public static TrainingMemory float32(long parameters) {
    return new TrainingMemory(4 * parameters, 4 * parameters, 8 * parameters);
  }

  /// Weights that do not train: no gradient, no state.
  public static TrainingMemory frozen(long bytes) {
    return new TrainingMemory(bytes, 0, 0);
  }

  public TrainingMemory plus(TrainingMemory other) {
    return new TrainingMemory(
        weights + other.weights, gradients + other.gradients, optimiser + other.optimiser);
  }

  /// What each of several devices holds.
  ///
  /// @throws IllegalArgumentException if there is no device
  public TrainingMemory on(int devices, ZeroStage stage) {
    if (devices < 1)
      throw new IllegalArgumentException("devices must be 1 or more, were " + devices);
    return new TrainingMemory(
        stage.compareTo(ZeroStage.WEIGHTS) >= 0 ? weights / devices : weights,
        stage.compareTo(ZeroStage.GRADIENTS) >= 0 ? gradients / devices : gradients,
        stage.compareTo(ZeroStage.OPTIMISER) >= 0 ? optimiser / devices : optimiser);
  }

  public long total() {
    return weights + gradients + optimiser;
  }
}
