package lemma.sampling.speculative;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import lemma.core.model.LanguageModel;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.LogitsProcessor;

/// Guesses with a smaller model of the same vocabulary, by drawing from it token by token.
///
/// The session goes on from what the two texts have in common, so what was rejected is rewound.
/// Answer: `sampling/speculative-decoding.md`.
public final class DraftModel implements Draft {
  private final LanguageModel model;
  private final LanguageModel.Session session;
  private final LogitsProcessor filters;
  private int[] read = {};

  /// @param filters what the draft's logits go through: the closer to the target's, the more stays
  public DraftModel(LanguageModel model, LogitsProcessor filters) {
    this.model = model;
    this.session = model.open();
    this.filters = filters;
  }

  @Override
  public Guess guess(int[] text, int most, RandomGenerator random) {
    int count = Math.min(most, model.contextLength() - text.length + 1);
    if (count < 1) return Guess.NONE;
    int[] guessed = Arrays.copyOf(text, text.length + count);
    double[][] distributions = new double[count][];
    for (int i = 0; i < count; i++) {
      int[] history = Arrays.copyOf(guessed, text.length + i);
      distributions[i] = Logits.softmax(filters.process(history, logits(history)));
      guessed[text.length + i] = SpeculativeSampling.draw(distributions[i], random.nextDouble());
    }
    return new Guess(Arrays.copyOfRange(guessed, text.length, guessed.length), distributions);
  }

  private double[] logits(int[] text) {
    int mismatch = Arrays.mismatch(read, text);
    int known = Math.min(mismatch < 0 ? read.length : mismatch, text.length - 1);
    session.rewind(known);
    float[] logits = session.append(Arrays.copyOfRange(text, known, text.length));
    read = text;
    double[] wide = new double[logits.length];
    Arrays.setAll(wide, i -> logits[i]);
    return wide;
  }
}
