package lemma.core.training;

import static lemma.core.tensor.Tensor.LAST;

import java.util.Arrays;
import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;

/// The loss of a classifier, and of a language model: minus the log-probability of the right class.
///
/// ```
/// Lᵢ = −Σₖ qᵢₖ · log pᵢₖ        p = softmax(logits),  q the target distribution
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `logits` | `[n, classes]` | |
/// | `targets` | `[n]` | rows whose target is `ignoreIndex` are left out, also of the mean |
///
/// The perplexity is exp of the mean. With label smoothing s, q takes s away from the right class:
/// see [Smoothing].
///
/// Szegedy et al. 2016, section 7, arXiv:1512.00567 (label smoothing). Answer:
/// `training/optimisation.md`.
public record CrossEntropy(int ignoreIndex, double labelSmoothing, Smoothing smoothing) {

  /// Where the share s of the probability goes.
  public enum Smoothing {
    /// To all classes, the right one as well: q = (1 − s)·onehot + s/classes. The rule of torch.
    ALL_CLASSES,
    /// To the others: q = 1 − s for the right one, s/(classes − 1) for each other. fairseq's rule.
    OTHER_CLASSES
  }

  /// @throws IllegalArgumentException if `labelSmoothing` is outside [0, 1]
  public CrossEntropy {
    if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
      throw new IllegalArgumentException("labelSmoothing must be in [0, 1], was " + labelSmoothing);
  }

  /// Without smoothing; −100 is ignored.
  public static CrossEntropy standard() {
    return new CrossEntropy(-100, 0, Smoothing.ALL_CLASSES);
  }

  /// The number of rows that count.
  public int counted(int... targets) {
    return (int) Arrays.stream(targets).filter(target -> target != ignoreIndex).count();
  }

  /// The loss of each row that counts, in their order: `[counted]`.
  ///
  /// @throws IllegalArgumentException if there is not one target for each row, or a target is no
  ///     class
  public Tensor perRow(Tensor logits, int... targets) {
    int[] rows = countedRows(logits, targets);
    int[] classes = Arrays.stream(rows).map(row -> targets[row]).toArray();
    Tensor logP = select(logits, rows).logSoftmax(LAST);
    Tensor right = logP.pick(classes);
    if (labelSmoothing == 0) return right.neg();
    int k = logits.size(LAST);
    double others =
        smoothing == Smoothing.ALL_CLASSES ? labelSmoothing / k : labelSmoothing / (k - 1);
    double own =
        smoothing == Smoothing.ALL_CLASSES ? 1 - labelSmoothing : 1 - labelSmoothing - others;
    return logP.sum(LAST, false).mul(others).add(right.mul(own)).neg();
  }

  /// The sum over the rows that count.
  public Tensor sum(Tensor logits, int... targets) {
    return perRow(logits, targets).sum();
  }

  /// The mean over the rows that count.
  ///
  /// @throws IllegalArgumentException if no row counts
  public Tensor mean(Tensor logits, int... targets) {
    Tensor losses = perRow(logits, targets);
    if (losses.count() == 0)
      throw new IllegalArgumentException("every target is ignoreIndex " + ignoreIndex);
    return losses.mean();
  }

  /// Mean of (log Σ eˣ)² over the rows that count: keeps logits from drifting.
  ///
  /// Chowdhery et al. 2022 (PaLM), section 5, arXiv:2204.02311; the coefficient 10⁻⁴ is not applied.
  public Tensor zLoss(Tensor logits, int... targets) {
    return select(logits, countedRows(logits, targets)).logSumExp(LAST).square().mean();
  }

  private static Tensor select(Tensor logits, int[] rows) {
    return rows.length == logits.size(0) ? logits : logits.rows(rows);
  }

  private int[] countedRows(Tensor logits, int[] targets) {
    if (logits.rank() != 2 || logits.size(0) != targets.length)
      throw new IllegalArgumentException(
          "logits must be [%d, classes] for %d targets, were %s"
              .formatted(targets.length, targets.length, Arrays.toString(logits.shape())));
    int classes = logits.size(LAST);
    for (int target : targets)
      if (target != ignoreIndex && (target < 0 || target >= classes))
        throw new IllegalArgumentException(
            "target %d is not among %d classes".formatted(target, classes));
    return IntStream.range(0, targets.length).filter(i -> targets[i] != ignoreIndex).toArray();
  }
}
