package lemma.sampling.generate;

import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.random.RandomGenerator;
import lemma.core.model.LanguageModel;

/// A generation in progress: each [#next] asks the model for one token.
///
/// After the last token [#finishReason] says why it was the last. For one thread.
public final class TokenStream implements Iterator<GeneratedToken> {
  private final LanguageModel.Session session;
  private final int contextLength;
  private final GenerationConfig config;
  private final TokenSampler sampler;
  private final TextDecoder decoder;
  private final StopText stop;
  private final RandomGenerator random;
  private final int promptLength;
  private int[] tokens; // prompt, then what was generated
  private int length;
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
    this.stop = new StopText(config.stopTexts());
    this.random = random;
    this.promptLength = prompt.length;
    this.tokens = Arrays.copyOf(prompt, prompt.length + 16);
    this.length = prompt.length;
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
    if (logits == null) logits = session.append(tokens[length - 1]);
    int token = sampler.next(Arrays.copyOf(tokens, length), logits, random);
    double logProbability = config.logProbabilities() ? logProbability(logits, token) : Double.NaN;
    logits = null;
    if (length == tokens.length) tokens = Arrays.copyOf(tokens, 2 * length);
    tokens[length++] = token;

    boolean end = !config.ignoreEnd() && config.endTokens().contains(token);
    String text = end ? "" : stop.accept(decoder.next(token));
    finishReason = end ? FinishReason.END_OF_TEXT : reasonToStop();
    if (finishReason != null) text += stop.accept(decoder.end()) + stop.end();
    return new GeneratedToken(token, logProbability, text);
  }

  private FinishReason reasonToStop() {
    if (stop.stopped() || endsWithStopTokens()) return FinishReason.STOP_SEQUENCE;
    if (length - promptLength == config.maxTokens()) return FinishReason.MAX_TOKENS;
    return session.position() >= contextLength ? FinishReason.CONTEXT_FULL : null;
  }

  private boolean endsWithStopTokens() {
    for (List<Integer> sequence : config.stopTokens()) {
      int from = length - sequence.size();
      boolean equal = from >= promptLength;
      for (int i = 0; equal && i < sequence.size(); i++)
        equal = tokens[from + i] == sequence.get(i);
      if (equal) return true;
    }
    return false;
  }

  private static double logProbability(float[] logits, int token) {
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : logits) max = Math.max(max, logit);
    double sum = 0;
    for (float logit : logits) sum += Math.exp(logit - max);
    return logits[token] - max - Math.log(sum);
  }
}
