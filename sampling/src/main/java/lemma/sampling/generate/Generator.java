package lemma.sampling.generate;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import lemma.core.model.LanguageModel;

/// Continues prompts: model → filters → draw → stop, again and again.
///
/// ```
/// yₜ ~ P̃( · | prompt, y₁ … yₜ₋₁),   P̃ = the model's distribution after the filters
/// ```
///
/// The same prompt, configuration and seed give the same tokens. Answer: `sampling/generate.md`.
///
/// @param model the model
/// @param tokenBytes the UTF-8 that a token stands for, such as a tokenizer's `bytes`
/// @param config the settings
public record Generator(
    LanguageModel model, IntFunction<byte[]> tokenBytes, GenerationConfig config) {

  /// For models without a tokenizer: every token stands for nothing, the text stays empty.
  ///
  /// @throws IllegalArgumentException if `config` has stop texts, which could never come
  public Generator(LanguageModel model, GenerationConfig config) {
    this(model, token -> new byte[0], config);
    if (!config.stop().texts().isEmpty())
      throw new IllegalArgumentException(
          "stopTexts need a tokenizer, without one use stopTokens: " + config.stop().texts());
  }

  /// A generation that is advanced token by token.
  ///
  /// @throws IllegalArgumentException if the prompt is empty, has a token outside the vocabulary or
  ///     does not fit the model's context
  public TokenStream stream(int[] prompt, RandomGenerator random) {
    return stream(prompt, TokenSampler.of(config, prompt.length, random), random);
  }

  /// The same with a sampler of one's own, which then decides alone how a token is drawn.
  public TokenStream stream(int[] prompt, TokenSampler sampler, RandomGenerator random) {
    checkPrompt(prompt);
    LanguageModel.Session session = model.open();
    return stream(session, prompt, session.append(prompt), sampler, random);
  }

  private TokenStream stream(
      LanguageModel.Session session,
      int[] prompt,
      float[] logits,
      TokenSampler sampler,
      RandomGenerator random) {
    return new TokenStream(
        session,
        model.contextLength(),
        prompt,
        logits,
        config,
        sampler,
        TextDecoder.utf8(tokenBytes),
        random);
  }

  /// The whole generation.
  public Generation generate(int[] prompt, RandomGenerator random) {
    return generate(prompt, random, _ -> true);
  }

  /// The whole generation, with each token handed to `listener` as it comes, who says whether to go
  /// on: after a `false` it ends as [FinishReason#CANCELLED].
  public Generation generate(
      int[] prompt, RandomGenerator random, Predicate<GeneratedToken> listener) {
    return drain(stream(prompt, random), listener);
  }

  /// `n` generations of one prompt, which the model reads once: its keys and values are kept, what
  /// the last generation added is forgotten.
  ///
  /// Each has a generator of its own, [#random]: the first ones do not depend on `n`.
  ///
  /// @throws IllegalArgumentException if `n` is less than 1, or as in [#stream]
  public List<Generation> generate(int[] prompt, int n, long seed) {
    checkCount("n", n);
    checkPrompt(prompt);
    LanguageModel.Session session = model.open();
    float[] logits = session.append(prompt).clone();
    List<Generation> generations = new ArrayList<>();
    for (int sample = 0; sample < n; sample++) {
      session.rewind(prompt.length);
      RandomGenerator random = random(seed, sample);
      TokenSampler sampler = TokenSampler.of(config, prompt.length, random);
      generations.add(drain(stream(session, prompt, logits, sampler, random), _ -> true));
    }
    return generations;
  }

  /// `n` generations of each prompt, several prompts at a time.
  ///
  /// A prompt gets what it would get alone with this seed, whatever else is in the batch and however
  /// many threads there are.
  ///
  /// @param threads how many prompts are worked on at a time
  /// @throws IllegalArgumentException if `n` or `threads` is less than 1, or as in [#stream]
  public List<List<Generation>> generate(List<int[]> prompts, int n, long seed, int threads) {
    checkCount("n", n);
    checkCount("threads", threads);
    prompts.forEach(this::checkPrompt);
    try (var workers = Executors.newFixedThreadPool(threads)) {
      List<Future<List<Generation>>> texts = new ArrayList<>();
      for (int[] prompt : prompts) texts.add(workers.submit(() -> generate(prompt, n, seed)));
      return texts.stream().map(Generator::result).toList();
    }
  }

  /// The generator of a sample: of the seed itself for the first, of a seed far from it for others.
  ///
  /// ```
  /// Xoshiro256++ of  seed ⊕ mix(sample),   mix(0) = 0
  /// ```
  ///
  /// `mix` is the finaliser of SplitMix64, a bijection: different samples have different seeds.
  ///
  /// Steele, Lea & Flood 2014, *Fast Splittable Pseudorandom Number Generators*, figure 16.
  public static RandomGenerator random(long seed, int sample) {
    long mixed = sample;
    mixed = (mixed ^ (mixed >>> 30)) * 0xBF58476D1CE4E5B9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94D049BB133111EBL;
    mixed ^= mixed >>> 31;
    return RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(seed ^ mixed);
  }

  private static <T> T result(Future<T> future) {
    try {
      return future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) throw cause;
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while generating");
    }
  }

  private Generation drain(TokenStream stream, Predicate<GeneratedToken> listener) {
    IntStream.Builder tokens = IntStream.builder();
    DoubleStream.Builder logProbabilities = DoubleStream.builder();
    List<List<TokenScore>> alternatives = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    while (stream.hasNext()) {
      GeneratedToken step = stream.next();
      tokens.add(step.token());
      if (config.logProbabilities() >= 0) logProbabilities.add(step.logProbability());
      if (config.logProbabilities() > 0) alternatives.add(step.alternatives());
      text.append(step.text());
      if (!listener.test(step)) stream.cancel();
    }
    return new Generation(
        tokens.build().toArray(),
        logProbabilities.build().toArray(),
        List.copyOf(alternatives),
        text.toString(),
        stream.finishReason());
  }

  private static void checkCount(String name, int count) {
    if (count < 1) throw new IllegalArgumentException(name + " must be 1 or more, was " + count);
  }

  private void checkPrompt(int[] prompt) {
    if (prompt.length == 0) throw new IllegalArgumentException("prompt must have a token");
    if (prompt.length > model.contextLength())
      throw new IllegalArgumentException(
          "prompt has %d tokens, the model's context holds %d"
              .formatted(prompt.length, model.contextLength()));
    for (int token : prompt)
      if (token < 0 || token >= model.vocabularySize())
        throw new IllegalArgumentException(
            "prompt has token %d, the vocabulary %d tokens"
                .formatted(token, model.vocabularySize()));
  }
}
