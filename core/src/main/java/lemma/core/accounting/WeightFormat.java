package lemma.core.accounting;

import lemma.core.format.GgmlType;

/// How weights are stored, and the bytes that they take.
///
/// | format | bits for a weight | |
/// |---|---|---|
/// | F32, F16, BF16, INT8 | 32, 16, 16, 8 | the scales of int8 rows are not counted |
/// | Q8_0, Q6_K, Q4_K, Q4_0 | 8.5, 6.5625, 4.5, 4.5 | blocks of GGUF files |
/// | NF4 | 4.5 | a float scale for 64 weights |
/// | NF4_DOUBLE | 4.127 | scales in bytes, with a float for 256 of them |
///
/// Answer: `model/memory-estimate.md`.
public enum WeightFormat {
  F32,
  F16,
  BF16,
  INT8,
  Q8_0,
  Q6_K,
  Q4_K,
  Q4_0,
  NF4,
  NF4_DOUBLE;

  /// Bytes of so many weights, in whole blocks.
  ///
  /// @throws IllegalArgumentException if `weights` is negative
  public long bytes(long weights) {
    if (weights < 0)
      throw new IllegalArgumentException("weights must be 0 or more, were " + weights);
    return switch (this) {
      case F32 -> 4 * weights;
      case F16, BF16 -> 2 * weights;
      case INT8 -> weights;
      case Q8_0 -> blocks(weights, GgmlType.Q8_0);
      case Q6_K -> blocks(weights, GgmlType.Q6_K);
      case Q4_K -> blocks(weights, GgmlType.Q4_K);
      case Q4_0 -> blocks(weights, GgmlType.Q4_0);
      case NF4 -> weights / 2 + weights / 64 * 4;
      case NF4_DOUBLE -> weights / 2 + weights / 64 + weights / 64 / 256 * 4;
    };
  }

  private static long blocks(long weights, GgmlType type) {
    return weights / type.blockSize() * type.blockBytes();
  }
}
