package lemma.proof;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.BiConsumer;

/// What a proof measured, for the ledger. Declare it as the last parameter of a test method.
public final class Proof {
  private final BiConsumer<String, String> publish;

  Proof(BiConsumer<String, String> publish) {
    this.publish = publish;
  }

  /// Records a figure; the largest of several under the same name is kept.
  public double measured(String figure, double value) {
    publish.accept("measured:" + figure, Double.toString(value));
    return value;
  }

  /// Records a figure and requires it to be at most `bound`; NaN fails.
  public void atMost(String figure, double value, double bound) {
    measured(figure, value);
    publish.accept("bound:" + figure, "≤ " + bound);
    assertThat(value).as(figure).isLessThanOrEqualTo(bound);
  }

  /// Records a figure and requires it to be at least `bound`; NaN fails. The smallest is kept.
  public void atLeast(String figure, double value, double bound) {
    publish.accept("least:" + figure, Double.toString(value));
    publish.accept("bound:" + figure, "≥ " + bound);
    assertThat(value).as(figure).isGreaterThanOrEqualTo(bound);
  }
}
