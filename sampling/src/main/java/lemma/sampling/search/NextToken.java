package lemma.sampling.search;

import java.util.Arrays;
import lemma.core.model.LanguageModel;

/// A language model as a formula: the scores of the next token after a text, in double.
///
/// What a search is written on. It asks for each text as a whole, where a
/// [LanguageModel.Session] remembers what it has seen.
@FunctionalInterface
public interface NextToken {

  /// The logits after `text`, `[vocabularySize]`.
  double[] logits(int[] text);

  /// A model's float logits, by a fresh session a text.
  static NextToken of(LanguageModel model) {
    return text -> {
      float[] logits = model.open().append(text);
      double[] wide = new double[logits.length];
      Arrays.setAll(wide, i -> logits[i]);
      return wide;
    };
  }
}
