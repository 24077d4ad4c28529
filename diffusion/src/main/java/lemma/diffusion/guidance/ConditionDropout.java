package lemma.diffusion.guidance;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// Hides the condition from a share of the training examples, so that one network learns to predict
/// with it and without it.
///
/// Ho & Salimans 2022, algorithm 1, arXiv:2207.12598; a tenth of the examples is usual.
public record ConditionDropout(double probability) {

  /// @throws IllegalArgumentException if `probability` is outside [0, 1]
  public ConditionDropout {
    if (!(probability >= 0 && probability <= 1))
      throw new IllegalArgumentException("probability must lie in [0, 1], was " + probability);
  }

  /// Whether an example with this uniform draw loses its condition.
  public boolean drops(double uniform) {
    return uniform < probability;
  }

  /// Puts the null embedding in the place of dropped ones.
  ///
  /// @param embeddings `[batch, …]`
  /// @param nothing the null embedding, of the shape of one
  /// @param uniforms a draw from [0, 1) for each
  public Tensor apply(Tensor embeddings, Tensor nothing, double... uniforms) {
    Tensor kept = kept(embeddings, uniforms);
    return embeddings.mul(kept).add(nothing.mul(kept.neg().add(1)));
  }

  /// Several encoders, each dropped by itself: a dropped one gives zeros (Stable Diffusion 3, where
  /// p = 0.464 leaves a tenth of the examples with none of three).
  ///
  /// @param embeddings `[batch, encoders, …]`
  /// @param uniforms a draw for each encoder of each example, row by row
  public Tensor applyPerEncoder(Tensor embeddings, double... uniforms) {
    int[] shape = embeddings.shape();
    if (shape.length < 2)
      throw new IllegalArgumentException("embeddings must be [batch, encoders, …]: " + embeddings);
    int[] flat = Arrays.copyOfRange(shape, 1, shape.length);
    flat[0] = shape[0] * shape[1];
    Tensor rows = embeddings.reshape(flat);
    return rows.mul(kept(rows, uniforms)).reshape(shape);
  }

  /// InstructPix2Pix, one draw for text and image: text alone, both, image alone, p each.
  public boolean dropsText(double uniform) {
    return uniform < 2 * probability;
  }

  /// See [#dropsText].
  public boolean dropsImage(double uniform) {
    return uniform >= probability && uniform < 3 * probability;
  }

  /// 1 where an example keeps its condition, shaped to broadcast.
  private Tensor kept(Tensor examples, double[] uniforms) {
    if (examples.rank() == 0 || examples.size(0) != uniforms.length)
      throw new IllegalArgumentException(
          "uniforms must hold one draw for each of %s, were %d"
              .formatted(examples, uniforms.length));
    int[] shape = new int[examples.rank()];
    Arrays.fill(shape, 1);
    shape[0] = uniforms.length;
    return Tensor.of(Arrays.stream(uniforms).map(u -> drops(u) ? 0 : 1).toArray(), shape);
  }
}
