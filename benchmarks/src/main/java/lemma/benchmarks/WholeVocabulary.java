package lemma.benchmarks;

import java.util.Arrays;
import lemma.sampling.filter.Candidates;
import lemma.sampling.filter.LogitScan;
import lemma.sampling.filter.Logits;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// A filter over a whole vocabulary of [PeakedLogits], by several algorithms that must keep the same
/// tokens.
@State(Scope.Thread)
public abstract class WholeVocabulary {
  @Param({"32768", "128256", "152064"})
  int vocabulary;

  final int[] noHistory = {};
  final LogitScan scan = LogitScan.best();
  final Candidates kept = new Candidates();
  float[] logits;
  double[] wide;
  INDArray array;

  void prepare() {
    logits = PeakedLogits.of(vocabulary);
    wide = PeakedLogits.wide(logits);
    array = Nd4j.create(logits);
  }

  /// All forms write into [#kept], so each is checked before the next one runs.
  static void check(String form, int[] tokens, double[] formula) {
    if (!Arrays.equals(tokens, Logits.kept(formula)))
      throw new IllegalStateException(form + " keeps other tokens than the formula");
  }

  static void checkNd4j(INDArray result, double[] formula) {
    try (result) {
      check("nd4j", Logits.kept(result.data().asDouble()), formula);
    }
  }

  @TearDown(Level.Trial)
  public void close() {
    array.close();
  }
}
