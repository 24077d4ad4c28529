package lemma.sampling.generate;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import lemma.sampling.draw.Draw;
import lemma.sampling.filter.LogitsProcessor;

/// From logits to a token: what a generation does at every step of one text, on one thread.
@FunctionalInterface
public interface TokenSampler {

  /// The next token.
  ///
  /// @param history the tokens so far, prompt included, which are left as they are
  /// @param logits the model's scores, which are left as they are
  /// @throws IllegalArgumentException if the logits are no scores
  int next(int[] history, float[] logits, RandomGenerator random);

  /// Whether the text is complete and nothing can follow, not even an end token.
  default boolean complete(int[] history) {
    return false;
  }

  /// Any chain of formulas and any way to draw: for chains that the fast form does not have.
  static TokenSampler of(LogitsProcessor chain, Draw draw) {
    return (history, logits, random) -> {
      double[] wide = new double[logits.length];
      Arrays.setAll(wide, i -> logits[i]);
      return draw.token(chain.process(history, wide), random);
    };
  }

  /// A configuration for one text: [GenerationConfig#chain] with an inverse CDF, by the fast form.
  ///
  /// @param promptLength tokens of the history in front of what is generated
  /// @param random the generator of this text
  static TokenSampler of(GenerationConfig config, int promptLength, RandomGenerator random) {
    return new FastSampler(config, promptLength, random);
  }
}
