package lemma.sampling.search;

import static lemma.sampling.filter.Logits.softmax;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.proof.GoldenCase;

/// Models as tables P(next | last), for proofs.
public final class Tables {
  private Tables() {}

  /// The table of a golden case.
  public static double[][] of(GoldenCase golden, String input) {
    Tensor flat = golden.tensor(input);
    double[] all = flat.toArray();
    int columns = flat.size(1);
    double[][] table = new double[flat.size(0)][];
    for (int row = 0; row < table.length; row++)
      table[row] = Arrays.copyOfRange(all, row * columns, (row + 1) * columns);
    return table;
  }

  /// Rows of random probabilities.
  public static double[][] random(int size, RandomGenerator random) {
    double[][] table = new double[size][];
    for (int row = 0; row < size; row++)
      table[row] = softmax(random.doubles(size, -2, 2).toArray());
    return table;
  }

  public static NextToken model(double[][] probabilities) {
    return text -> Arrays.stream(probabilities[text[text.length - 1]]).map(Math::log).toArray();
  }
}
