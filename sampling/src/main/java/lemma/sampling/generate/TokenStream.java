package lemma.sampling.generate;

import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.random.RandomGenerator;
import lemma.core.model.LanguageModel;
import lemma.sampling.filter.Candidates;

/// A generation in progress: each [#next] asks the model for one token.
///
/// After the last token [#finishReason] says why it was the last; [#cancel] makes any token the last.
/// For one thread.
public final class TokenStream implements Iterator<GeneratedToken> {
  private final LanguageModel.Session session;
  private final int contextLength;
  private final GenerationConfig config;
  private final TokenSampler sampler;
  private final TextDecoder decoder;
  private final StopText stop;
  private final RandomGenerator random;
  private final Candidates scratch = new Candidates();
  private final int promptLength;
  private int[] tokens; // prompt, then what was generated; a new array at each step
  private float[] logits;
  private FinishReason finishReason;

  TokenStream(
      LanguageModel.Session session,
      int contextLength,
      int[] prompt,
      float[] logits,
      GenerationConfig config,
      TokenSampler sampler,
      TextDecoder decoder,
      RandomGenerator random) {
    this.session = session;
    this.contextLength = contextLength;
    this.config = config;
    this.sampler = sampler;
    this.decoder = decoder;
    this.stop = new StopText(config.stop().texts());
    this.random = random;
    this.promptLength = prompt.length;
    this.tokens = prompt.clone();
    this.logits = logits;
  }

  @Override
  public boolean hasNext() {
    return finishReason == null;
  }

  /// Why the generation ended.
  ///
  /// @throws IllegalStateException if it has not
  public FinishReason finishReason() {
    if (finishReason == null) throw new IllegalStateException("the generation has not ended");
    return finishReason;
  }

  @Override
  public GeneratedToken next() {
    if (finishReason != null)
      throw new NoSuchElementException("the generation ended: " + finishReason);
    if (logits == null) logits = session.append(tokens[tokens.length - 1]);
    int token = sampler.next(tokens, logits, random);
    tokens = Arrays.copyOf(tokens, tokens.length + 1);
    tokens[tokens.length - 1] = token;

    boolean end = !config.stop().ignoreEnd() && config.stop().endTokens().contains(token);
    String text = end ? "" : stop.accept(decoder.next(token));
    finishReason = end ? FinishReason.END_OF_TEXT : reasonToStop();
    if (finishReason != null) text += stop.accept(decoder.end()) + stop.end();
    GeneratedToken step = scored(token, text);
    logits = null;
    return step;
  }

  /// Ends the generation here. Text that was held back, because a stop sequence could have begun
  /// with it, is not shown any more.
  public void cancel() {
    if (finishReason == null) finishReason = FinishReason.CANCELLED;
  }

  private GeneratedToken scored(int token, String text) {
    if (config.logProbabilities() < 0)
      return new GeneratedToken(token, Double.NaN, List.of(), text);
    var own = new LogProbabilities(logits);
    var alternatives = own.likeliest(config.logProbabilities(), scratch);
    return new GeneratedToken(token, own.of(token), alternatives, text);
  }

  private FinishReason reasonToStop() {
    if (stop.stopped() || endsWithStopTokens()) return FinishReason.STOP_SEQUENCE;
    if (sampler.complete(tokens)) return FinishReason.CONSTRAINT_COMPLETE;
    if (tokens.length - promptLength == config.stop().maxTokens()) return FinishReason.MAX_TOKENS;
    return session.position() >= contextLength ? FinishReason.CONTEXT_FULL : null;
  }

  private boolean endsWithStopTokens() {
    for (List<Integer> sequence : config.stop().tokens()) {
      int from = tokens.length - sequence.size();
      boolean equal = from >= promptLength;
      for (int i = 0; equal && i < sequence.size(); i++)
        equal = tokens[from + i] == sequence.get(i);
      if (equal) return true;
    }
    return false;
  }
}
