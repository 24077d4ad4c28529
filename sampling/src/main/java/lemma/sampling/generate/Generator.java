package lemma.sampling.generate;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntFunction;
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
    if (!config.stopTexts().isEmpty())
      throw new IllegalArgumentException(
          "stopTexts need a tokenizer, without one use stopTokens: " + config.stopTexts());
  }

  /// A generation that is advanced token by token.
  ///
  /// @throws IllegalArgumentException if the prompt is empty, has a token outside the vocabulary or
  ///     does not fit the model's context
  public TokenStream stream(int[] prompt, RandomGenerator random) {
    return stream(prompt, TokenSampler.of(config), random);
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
    return generate(prompt, random, token -> {});
  }

  /// The whole generation, with each token handed to `listener` as it comes.
  public Generation generate(
      int[] prompt, RandomGenerator random, Consumer<GeneratedToken> listener) {
    return drain(stream(prompt, random), listener);
  }

  /// `n` generations of one prompt, which the model reads once.
  ///
  /// Each has a generator of its own, seeded by `random`: the first ones do not depend on `n`.
  ///
  /// @throws IllegalArgumentException if `n` is less than 1, or as in [#stream]
  public List<Generation> generate(int[] prompt, int n, RandomGenerator random) {
    if (n < 1) throw new IllegalArgumentException("n must be 1 or more, was " + n);
    checkPrompt(prompt);
    LanguageModel.Session session = model.open();
    float[] logits = session.append(prompt).clone();
    List<Generation> generations = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      session.rewind(prompt.length);
      TokenSampler sampler = TokenSampler.of(config);
      generations.add(drain(stream(session, prompt, logits, sampler, child(random)), t -> {}));
    }
    return generations;
  }

  /// One generation for each prompt, each with a generator of its own, seeded by `random`.
  public List<Generation> generate(List<int[]> prompts, RandomGenerator random) {
    return prompts.stream().map(prompt -> generate(prompt, child(random))).toList();
  }

  private static RandomGenerator child(RandomGenerator random) {
    return RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(random.nextLong());
  }

  private Generation drain(TokenStream stream, Consumer<GeneratedToken> listener) {
    IntStream.Builder tokens = IntStream.builder();
    DoubleStream.Builder logProbabilities = DoubleStream.builder();
    StringBuilder text = new StringBuilder();
    while (stream.hasNext()) {
      GeneratedToken step = stream.next();
      tokens.add(step.token());
      if (config.logProbabilities()) logProbabilities.add(step.logProbability());
      text.append(step.text());
      listener.accept(step);
    }
    return new Generation(
        tokens.build().toArray(),
        logProbabilities.build().toArray(),
        text.toString(),
        stream.finishReason());
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
