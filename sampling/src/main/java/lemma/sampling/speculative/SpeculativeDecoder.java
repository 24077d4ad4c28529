package lemma.sampling.speculative;

import java.util.Arrays;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.random.RandomGenerator;
import lemma.core.model.LanguageModel;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.LogitsProcessor;

/// Decodes with guesses: each pass of the target checks several tokens and always brings one more.
///
/// ```
/// guess x₁ … xᵧ → one pass over (last token, x₁ … xᵧ) gives p₁ … pᵧ₊₁ → keep the accepted, draw one
/// → rewind the target's cache to what was kept
/// ```
///
/// The text has the distribution that the target has after `filters`, and after
/// [lemma.sampling.filter.Temperature] 0 it is the target's greedy text. It pays because decoding
/// waits for the weights: a pass over a few tokens takes hardly longer than over one.
///
/// Leviathan, Kalman & Matias 2023, algorithm 1, arXiv:2211.17192. Answer:
/// `sampling/speculative-decoding.md`.
///
/// @param target the model whose text is wanted
/// @param filters what the target's logits go through, such as `GenerationConfig.formula()`
/// @param guesses γ: most tokens guessed for a pass
/// @param maxTokens most tokens to generate
/// @param endTokens tokens that end a text
public record SpeculativeDecoder(
    LanguageModel target,
    LogitsProcessor filters,
    int guesses,
    int maxTokens,
    Set<Integer> endTokens) {

  /// A text and what it cost.
  ///
  /// @param tokens the tokens after the prompt, an end token included
  /// @param targetPasses passes of the target after the prompt; one by one it takes one a token
  /// @param guessed tokens that were guessed
  /// @param accepted guesses that stayed
  public record Result(int[] tokens, int targetPasses, int guessed, int accepted) {

    /// Tokens that a pass brought on average.
    public double tokensPerPass() {
      return tokens.length / (double) targetPasses;
    }
  }

  /// @throws IllegalArgumentException if `guesses` or `maxTokens` is less than 1
  public SpeculativeDecoder {
    if (guesses < 1)
      throw new IllegalArgumentException("guesses must be 1 or more, were " + guesses);
    if (maxTokens < 1)
      throw new IllegalArgumentException("maxTokens must be 1 or more, was " + maxTokens);
    endTokens = Set.copyOf(endTokens);
  }

  /// Continues `prompt`.
  public Result generate(int[] prompt, Draft draft, RandomGenerator random) {
    return generate(prompt, draft, random, token -> {});
  }

  /// The same with each token handed to `listener` as soon as it is certain. Ends early where the
  /// target's context is full.
  ///
  /// @throws IllegalArgumentException if the prompt is empty or does not fit the target
  public Result generate(int[] prompt, Draft draft, RandomGenerator random, IntConsumer listener) {
    if (prompt.length == 0) throw new IllegalArgumentException("prompt must have a token");
    Run run = new Run(this, prompt);
    while (run.room() > 0) run.round(draft, random, listener);
    return run.result();
  }

  /// A text in progress.
  private static final class Run {
    private final SpeculativeDecoder decoder;
    private final LanguageModel.Session session; // has read all of the text but its last token
    private final int promptLength;
    private final float[] logits; // [guesses + 1, vocabularySize]
    private int[] text;
    private boolean ended;
    private int passes;
    private int guessed;
    private int accepted;

    Run(SpeculativeDecoder decoder, int[] prompt) {
      this.decoder = decoder;
      promptLength = prompt.length;
      text = prompt;
      session = decoder.target.open();
      if (prompt.length > 1) session.append(Arrays.copyOf(prompt, prompt.length - 1));
      logits = new float[Math.multiplyExact(decoder.guesses + 1, decoder.target.vocabularySize())];
    }

    /// Most tokens that may still come.
    int room() {
      if (ended) return 0;
      return Math.min(
          decoder.maxTokens - (text.length - promptLength),
          decoder.target.contextLength() + 1 - text.length);
    }

    /// One pass of the target: it brings what is accepted of a guess, and one token more.
    void round(Draft draft, RandomGenerator random, IntConsumer listener) {
      int known = text.length;
      int most = Math.min(decoder.guesses, room() - 1);
      Draft.Guess guess = most == 0 ? Draft.Guess.NONE : draft.guess(text, most, random);
      int count = guess.tokens().length;
      int[] candidates = Arrays.copyOf(text, known + count);
      System.arraycopy(guess.tokens(), 0, candidates, known, count);

      session.appendEach(logits, Arrays.copyOfRange(candidates, known - 1, candidates.length));
      double[][] p = new double[count + 1][];
      for (int i = 0; i <= count; i++) p[i] = distribution(Arrays.copyOf(candidates, known + i), i);
      double[] uniforms = random.doubles(count).toArray();
      var verdict = SpeculativeSampling.verify(p, guess.distributions(), guess.tokens(), uniforms);
      passes++;
      guessed += count;
      accepted += verdict.accepted();

      int length = known + verdict.accepted() + 1;
      text = Arrays.copyOf(candidates, length);
      text[length - 1] = SpeculativeSampling.draw(verdict.next(), random.nextDouble());
      session.rewind(length - 1);
      for (int i = known; i < length && !ended; i++) {
        listener.accept(text[i]);
        ended = decoder.endTokens.contains(text[i]);
        if (ended) text = Arrays.copyOf(text, i + 1);
      }
    }

    /// The target's distribution after `history`, from row i of the logits.
    private double[] distribution(int[] history, int i) {
      double[] row = new double[decoder.target.vocabularySize()];
      for (int x = 0; x < row.length; x++) row[x] = logits[i * row.length + x];
      return Logits.softmax(decoder.filters.process(history, row));
    }

    Result result() {
      int[] tokens = Arrays.copyOfRange(text, promptLength, text.length);
      return new Result(tokens, passes, guessed, accepted);
    }
  }
}
