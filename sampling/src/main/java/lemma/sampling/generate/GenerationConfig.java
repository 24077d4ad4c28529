package lemma.sampling.generate;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import lemma.sampling.filter.BadWords;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.filter.NoRepeatNGram;
import lemma.sampling.filter.PresenceFrequencyPenalty;
import lemma.sampling.filter.RepetitionPenalty;
import lemma.sampling.filter.SequenceBias;
import lemma.sampling.filter.SuppressedTokens;

/// How to generate: the settings that every engine has, by their usual names.
///
/// | part | says |
/// |---|---|
/// | [StopConditions] | when a text ends |
/// | [TokenRules] | which tokens may come, whatever the model thinks of them |
/// | [Penalties] | what is held against tokens that were there already |
/// | [Filters] | how sharp the distribution is and where it is cut |
///
/// In which order they act says [#chain]. Start from [#greedy] or [#sampled] and change what
/// differs: `greedy(100).withStopTexts("\n\n")`.
///
/// @param logProbabilities how many alternatives to report at each step beside ln P of the token
///     itself, the likeliest first; [#NO_LOG_PROBABILITIES] reports nothing
public record GenerationConfig(
    StopConditions stop,
    TokenRules rules,
    Penalties penalties,
    Filters filters,
    int logProbabilities) {
  /// Log-probabilities take one more pass over the logits: off by default.
  public static final int NO_LOG_PROBABILITIES = -1;

  /// @throws IllegalArgumentException if `logProbabilities` is less than −1
  public GenerationConfig {
    if (logProbabilities < NO_LOG_PROBABILITIES)
      throw new IllegalArgumentException(
          "logProbabilities must be -1 (none) or more, was " + logProbabilities);
  }

  /// The most probable token at every step.
  public static GenerationConfig greedy(int maxTokens) {
    return sampled(maxTokens, 0, 0, 1);
  }

  /// Drawn with these filters, everything else off.
  public static GenerationConfig sampled(int maxTokens, double temperature, int topK, double topP) {
    return new GenerationConfig(
        StopConditions.after(maxTokens),
        TokenRules.NONE,
        Penalties.NONE,
        Filters.of(temperature, topK, topP, 0),
        NO_LOG_PROBABILITIES);
  }

  /// The whole chain from a step's logits to those that a token is drawn from, for one text; what is
  /// off is left out.
  ///
  /// ```
  /// logit bias → repetition → presence and frequency → DRY → no-repeat n-gram → bad words
  ///   → min tokens → further rules (constraint, watermark)
  ///   → temperature → top-k → top-p → min-p
  ///   → typical-p → epsilon → eta → top-a → XTC        or  → Mirostat
  /// ```
  ///
  /// Rules come first, so that a cut counts only tokens that may come. The links that transformers
  /// has are in its order.
  ///
  /// @param promptLength tokens of the history in front of what is generated
  /// @param random draws the numbers that links need, XTC one a step
  public LogitsProcessor chain(int promptLength, RandomGenerator random) {
    List<LogitsProcessor> links = new ArrayList<>(beforeTemperature(promptLength, random));
    links.add(filters.kernel().formula());
    links.add(filters.cuts(random));
    filters.mirostat().ifPresent(mirostat -> links.add(mirostat.open()));
    return LogitsProcessor.chain(links);
  }

  /// The links in front of the temperature.
  List<LogitsProcessor> beforeTemperature(int promptLength, RandomGenerator random) {
    List<LogitsProcessor> links = new ArrayList<>();
    if (!rules.bias().isEmpty()) links.add(new SequenceBias(rules.bias()));
    if (penalties.repetition() != 1) links.add(new RepetitionPenalty(penalties.repetition()));
    if (penalties.presence() != 0 || penalties.frequency() != 0)
      links.add(new PresenceFrequencyPenalty(penalties.presence(), penalties.frequency()));
    if (penalties.dry().multiplier() > 0) links.add(penalties.dry());
    if (penalties.noRepeatNGram() > 0) links.add(new NoRepeatNGram(penalties.noRepeatNGram()));
    if (!rules.badWords().isEmpty()) links.add(new BadWords(rules.badWords(), stop.endTokens()));
    if (rules.minTokens() > 0)
      links.add(SuppressedTokens.minNewTokens(rules.minTokens(), promptLength, stop.endTokens()));
    for (TextLink link : rules.links()) links.add(link.open(promptLength, random));
    return links;
  }

  public GenerationConfig withStop(StopConditions conditions) {
    return new GenerationConfig(conditions, rules, penalties, filters, logProbabilities);
  }

  public GenerationConfig withRules(TokenRules tokenRules) {
    return new GenerationConfig(stop, tokenRules, penalties, filters, logProbabilities);
  }

  public GenerationConfig withPenalties(Penalties held) {
    return new GenerationConfig(stop, rules, held, filters, logProbabilities);
  }

  public GenerationConfig withFilters(Filters cuts) {
    return new GenerationConfig(stop, rules, penalties, cuts, logProbabilities);
  }

  /// Reports ln P of each token, and of the `alternatives` likeliest at its place.
  public GenerationConfig withLogProbabilities(int alternatives) {
    return new GenerationConfig(stop, rules, penalties, filters, alternatives);
  }

  public GenerationConfig withMaxTokens(int count) {
    return withStop(stop.withMaxTokens(count));
  }

  public GenerationConfig withEndTokens(Set<Integer> tokens) {
    return withStop(stop.withEndTokens(tokens));
  }

  public GenerationConfig withIgnoreEnd(boolean ignore) {
    return withStop(stop.withIgnoreEnd(ignore));
  }

  public GenerationConfig withStopTexts(String... texts) {
    return withStop(stop.withTexts(List.of(texts)));
  }

  public GenerationConfig withStopTokens(List<List<Integer>> sequences) {
    return withStop(stop.withTokens(sequences));
  }
}
