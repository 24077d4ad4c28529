package lemma.core.tuning;

import java.util.Arrays;
import java.util.List;
import lemma.core.tensor.SingularValues;
import lemma.core.tensor.Tensor;

/// Several updates of one matrix as one: three things that are all called their weighted sum.
///
/// | sum | ΔW | rank |
/// |---|---|---|
/// | [#concatenated] | Σᵢ wᵢΔWᵢ: exact | Σ rᵢ |
/// | [#factorwise] | (Σᵢ √\|wᵢsᵢ\|Bᵢ)(Σᵢ ±√\|wᵢsᵢ\|Aᵢ): with untrained terms BᵢAⱼ | r |
/// | [#truncated] | the closest to Σᵢ wᵢΔWᵢ of a given rank | as asked for |
///
/// Every result has scaling 1. They are `cat`, `linear` and `svd` of PEFT; its `svd` multiplies by
/// sᵢ once more, see the answer page. Answer: `tuning/lora.md`.
public final class LoraSum {
  private LoraSum() {}

  /// A stacked over A, B beside B: (w₁s₁A₁; w₂s₂A₂; …) and (B₁ B₂ …).
  ///
  /// @throws IllegalArgumentException if there is not one weight for each update, or their matrices
  ///     have different shapes
  public static Lora concatenated(List<Lora> updates, double... weights) {
    check(updates, weights);
    Tensor[] a = new Tensor[weights.length];
    Tensor[] b = new Tensor[weights.length];
    for (int i = 0; i < weights.length; i++) {
      a[i] = updates.get(i).a().mul(weights[i] * updates.get(i).scaling());
      b[i] = updates.get(i).b();
    }
    return new Lora(Tensor.concat(0, a), Tensor.concat(1, b), 1);
  }

  /// Factor by factor: the rank stays, and so does the size of the file.
  ///
  /// @throws IllegalArgumentException if the ranks differ, or as for [#concatenated]
  public static Lora factorwise(List<Lora> updates, double... weights) {
    check(updates, weights);
    Tensor a = Tensor.zeros(updates.getFirst().a().shape());
    Tensor b = Tensor.zeros(updates.getFirst().b().shape());
    for (int i = 0; i < weights.length; i++) {
      Lora lora = updates.get(i);
      if (lora.rank() != updates.getFirst().rank())
        throw new IllegalArgumentException(
            "updates must have one rank, had %d and %d"
                .formatted(updates.getFirst().rank(), lora.rank()));
      double factor = weights[i] * lora.scaling();
      a = a.add(lora.a().mul(Math.signum(factor) * Math.sqrt(Math.abs(factor))));
      b = b.add(lora.b().mul(Math.sqrt(Math.abs(factor))));
    }
    return new Lora(a, b, 1);
  }

  /// The exact sum cut to its `rank` largest singular values: B = U·S, A = Vᵀ. Eckart & Young 1936.
  ///
  /// @throws IllegalArgumentException if `rank` is not in 1 … min(in, out), or as for
  ///     [#concatenated]
  public static Lora truncated(List<Lora> updates, int rank, double... weights) {
    Tensor sum = concatenated(updates, weights).delta().detach();
    int most = Math.min(sum.size(0), sum.size(1));
    if (rank <= 0 || rank > most)
      throw new IllegalArgumentException("rank must be in 1 … %d, was %d".formatted(most, rank));
    SingularValues svd = SingularValues.of(sum);
    Tensor b = svd.u().slice(1, 0, rank).mul(Tensor.vector(Arrays.copyOf(svd.s(), rank)));
    return new Lora(svd.v().slice(1, 0, rank).transpose(0, 1), b, 1);
  }

  private static void check(List<Lora> updates, double[] weights) {
    if (updates.isEmpty() || updates.size() != weights.length)
      throw new IllegalArgumentException(
          "there must be one weight for each update, were %d for %d"
              .formatted(weights.length, updates.size()));
    for (Lora lora : updates)
      if (lora.a().size(1) != updates.getFirst().a().size(1)
          || lora.b().size(0) != updates.getFirst().b().size(0))
        throw new IllegalArgumentException(
            "updates must be of one shape, were %s and %s"
                .formatted(shape(updates.getFirst()), shape(lora)));
  }

  private static String shape(Lora lora) {
    return "[%d, %d]".formatted(lora.b().size(0), lora.a().size(1));
  }
}
