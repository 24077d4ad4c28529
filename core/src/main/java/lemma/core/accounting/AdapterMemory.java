package lemma.core.accounting;

import java.util.Map;
import lemma.core.model.ModelConfig;
import lemma.core.tuning.Lora;

/// Training memory when only low-rank adapters train, on every matrix of every layer.
///
/// ```
/// trained = Σ rank·(in + out)
/// LoRA    = 2 bytes for each base weight + 16 for each trained number
/// QLoRA   = 4.127 bits for each weight of a layer's matrices, 2 bytes for the rest, + 16 …
/// ```
///
/// Hu et al. 2021, arXiv:2106.09685; Dettmers et al. 2023, arXiv:2305.14314. Answer:
/// `model/memory-estimate.md`.
public record AdapterMemory(long matrixWeights, long otherWeights, long trained) {

  /// @throws IllegalArgumentException if `rank` is not positive
  public static AdapterMemory of(ModelConfig config, int rank) {
    if (rank < 1) throw new IllegalArgumentException("rank must be positive, was " + rank);
    long matrices = 0;
    long trained = 0;
    for (Map.Entry<String, int[]> weight : config.weightShapes().entrySet()) {
      int[] shape = weight.getValue();
      if (!isAdapted(weight.getKey(), shape)) continue;
      matrices += (long) shape[0] * shape[1];
      trained += Lora.parameterCount(rank, shape[1], shape[0]);
    }
    return new AdapterMemory(matrices, ParameterCount.walk(config) - matrices, trained);
  }

  /// A projection of a layer: no embedding, no head, no bias of positions, no router of experts.
  private static boolean isAdapted(String name, int[] shape) {
    boolean inLayer = name.matches(".*\\.(layers|h|layer|block)\\.[0-9]+\\..*");
    return inLayer
        && shape.length == 2
        && !name.endsWith("relative_attention_bias.weight")
        && !name.endsWith("block_sparse_moe.gate.weight");
  }

  public TrainingMemory lora() {
    return TrainingMemory.frozen(2 * (matrixWeights + otherWeights))
        .plus(TrainingMemory.mixedPrecision(trained));
  }

  public TrainingMemory qlora() {
    return TrainingMemory.frozen(WeightFormat.NF4_DOUBLE.bytes(matrixWeights) + 2 * otherWeights)
        .plus(TrainingMemory.mixedPrecision(trained));
  }
}
