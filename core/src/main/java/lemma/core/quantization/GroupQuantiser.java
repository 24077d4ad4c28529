package lemma.core.quantization;

import lemma.core.tensor.Tensor;

/// Weights in b bits by rounding to nearest: each group of neighbours in a row has a scale and a zero.
///
/// ```
/// s = (max − min) / (2ᵇ − 1)        z = round(−min/s)        q = clamp(round(w/s) + z, 0, 2ᵇ − 1)
/// ŵ = s·(q − z)
/// ```
///
/// The range is widened to contain 0. What comes back are the decoded weights ŵ: the question here is
/// which levels to choose, not how to store them.
///
/// Answer: `quantization/gptq.md`.
///
/// @param bits of a level, 2 to 8
/// @param groupSize weights of a row that share scale and zero; the last group may be short
public record GroupQuantiser(int bits, int groupSize) {

  /// @throws IllegalArgumentException if `bits` or `groupSize` are not in their range
  public GroupQuantiser {
    if (bits < 2 || bits > 8)
      throw new IllegalArgumentException("bits must be 2 to 8, were " + bits);
    if (groupSize <= 0)
      throw new IllegalArgumentException("groupSize must be positive, was " + groupSize);
  }

  /// The levels of one group.
  record Grid(double scale, double zero, int most) {
    /// The nearest weight that the grid can say.
    double round(double weight) {
      return scale * (Math.clamp(Math.rint(weight / scale) + zero, 0, most) - zero);
    }
  }

  /// The grid that spans the weights of a group.
  Grid grid(double[] group) {
    double least = 0;
    double largest = 0;
    for (double weight : group) {
      least = Math.min(least, weight);
      largest = Math.max(largest, weight);
    }
    int most = (1 << bits) - 1;
    double scale = largest > least ? (largest - least) / most : 1;
    return new Grid(scale, Math.rint(-least / scale), most);
  }

  /// Rounds every weight of `weight [out, in]` to the nearest level of its group.
  public Tensor roundToNearest(Tensor weight) {
    checkWeight(weight);
    double[] data = weight.toArray();
    int in = weight.size(1);
    for (int row = 0; row < data.length; row += in)
      for (int from = 0; from < in; from += groupSize) {
        int size = Math.min(groupSize, in - from);
        double[] group = new double[size];
        System.arraycopy(data, row + from, group, 0, size);
        Grid grid = grid(group);
        for (int j = 0; j < size; j++) data[row + from + j] = grid.round(group[j]);
      }
    return Tensor.ofShared(data, weight.shape());
  }

  static void checkWeight(Tensor weight) {
    if (weight.rank() != 2 || weight.count() == 0)
      throw new IllegalArgumentException("weight must have shape [out, in], was " + weight);
    for (double value : weight.data())
      if (!Double.isFinite(value))
        throw new IllegalArgumentException("weight must be finite, holds " + value);
  }

  /// @throws IllegalArgumentException if the inputs are no rows for this weight
  static void checkInputs(Tensor weight, Tensor inputs) {
    checkWeight(weight);
    if (inputs.rank() != 2 || inputs.size(0) == 0 || inputs.size(1) != weight.size(1))
      throw new IllegalArgumentException(
          "inputs must have shape [samples, %d], were %s".formatted(weight.size(1), inputs));
  }

  /// Mean squared difference of the outputs of two weights on the same inputs.
  ///
  /// ```
  /// mean (x·Wᵀ − x·Ŵᵀ)²        inputs [samples, in], weights [out, in]
  /// ```
  public static double outputError(Tensor weight, Tensor rounded, Tensor inputs) {
    checkInputs(weight, inputs);
    return inputs.matmulTransposed(weight.sub(rounded)).square().mean().item();
  }
}
