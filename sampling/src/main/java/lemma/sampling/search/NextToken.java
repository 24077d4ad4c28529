package lemma.sampling.search;

import java.util.Arrays;
import lemma.core.model.LanguageModel;
import lemma.sampling.filter.LogitsProcessor;

/// A language model as a formula: the scores of the next token after a text, in double.
///
/// What a search is written on. It asks for each text as a whole, where a
/// [LanguageModel.Session] remembers what it has seen.
@FunctionalInterface
public interface NextToken {

  /// The logits after `text`, `[vocabularySize]`.
  double[] logits(int[] text);

  /// The same model behind filters: a search then looks among what they leave, renormalised.
  default NextToken filtered(LogitsProcessor filters) {
    return text -> filters.process(text, logits(text));
  }

  /// A model's float logits, by a fresh session a text.
  static NextToken of(LanguageModel model) {
    return text -> {
      float[] logits = model.open().append(text);
      double[] wide = new double[logits.length];
      Arrays.setAll(wide, i -> logits[i]);
      return wide;
    };
  }

  /// The same by up to `sessions` sessions that are kept and rewound: for a search that asks for
  /// texts with common beginnings. As many as there are beams make a step cost about a token a beam.
  /// For one thread, one search at a time.
  ///
  /// @throws IllegalArgumentException if `sessions` is less than 1
  static NextToken of(LanguageModel model, int sessions) {
    return new SessionPool(model, sessions);
  }
}
