package lemma.sampling.search;

import java.util.stream.IntStream;
import lemma.core.model.Llama;
import lemma.core.tensor.Tensor;

/// A model that shows what it made of each token: the last hidden states of a text.
@FunctionalInterface
public interface HiddenStates {

  /// The states `[text, hiddenSize]`, row t after token t.
  double[][] of(int[] text);

  /// Of the Llama family, after the final norm.
  static HiddenStates of(Llama model) {
    return text -> {
      Tensor states = model.hiddenStates(new int[][] {text}).getLast().select(0, 0);
      return IntStream.range(0, text.length)
          .mapToObj(t -> states.select(0, t).toArray())
          .toArray(double[][]::new);
    };
  }
}
