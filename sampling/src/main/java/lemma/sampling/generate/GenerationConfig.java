package lemma.sampling.generate;

import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.filter.RepetitionPenalty;
import lemma.sampling.filter.SamplingKernel;

/// How to generate: the settings that every engine has, by their usual names.
///
/// | setting | off | see |
/// |---|---|---|
/// | `temperature` | 1; 0 is greedy | [lemma.sampling.filter.Temperature] |
/// | `topK` | 0 | [lemma.sampling.filter.TopK], exactly k |
/// | `topP` | 1 | [lemma.sampling.filter.TopP] |
/// | `minP` | 0 | [lemma.sampling.filter.MinP] |
/// | `repetitionPenalty` | 1 | [RepetitionPenalty], over prompt and answer |
///
/// Start from [#greedy] or [#sampled] and change what differs: `greedy(100).withStopTexts("\n\n")`.
///
/// @param maxTokens most tokens to generate
/// @param endTokens tokens that end a text, from the model's configuration
/// @param ignoreEnd go on after an end token as after any other (for measuring speed)
/// @param stopTexts end before the first of these texts, wherever token borders fall
/// @param stopTokens end after the first of these token sequences
/// @param logProbabilities whether to report ln P of each token (one more pass over the logits)
public record GenerationConfig(
    int maxTokens,
    double temperature,
    int topK,
    double topP,
    double minP,
    double repetitionPenalty,
    Set<Integer> endTokens,
    boolean ignoreEnd,
    List<String> stopTexts,
    List<List<Integer>> stopTokens,
    boolean logProbabilities) {

  /// @throws IllegalArgumentException naming the setting that is outside its range
  public GenerationConfig {
    if (maxTokens < 1)
      throw new IllegalArgumentException("maxTokens must be 1 or more, was " + maxTokens);
    new SamplingKernel(temperature, topK, topP, minP);
    new RepetitionPenalty(repetitionPenalty);
    new StopText(stopTexts);
    endTokens = Set.copyOf(endTokens);
    stopTexts = List.copyOf(stopTexts);
    stopTokens = stopTokens.stream().map(List::copyOf).toList();
    if (stopTokens.contains(List.<Integer>of()))
      throw new IllegalArgumentException("stopTokens must not hold an empty sequence");
  }

  /// The most probable token at every step.
  public static GenerationConfig greedy(int maxTokens) {
    return sampled(maxTokens, 0, 0, 1);
  }

  /// Drawn with these filters, the others off.
  public static GenerationConfig sampled(int maxTokens, double temperature, int topK, double topP) {
    return new GenerationConfig(
        maxTokens, temperature, topK, topP, 0, 1, Set.of(), false, List.of(), List.of(), false);
  }

  /// The step after the repetition penalty.
  SamplingKernel kernel() {
    return new SamplingKernel(temperature, topK, topP, minP);
  }

  /// The same settings as a chain of formulas: repetition penalty → temperature → top-k → top-p →
  /// min-p.
  public LogitsProcessor formula() {
    return LogitsProcessor.chain(new RepetitionPenalty(repetitionPenalty), kernel().formula());
  }

  public GenerationConfig withMinP(double minP) {
    return with(draft -> draft.minP = minP);
  }

  public GenerationConfig withRepetitionPenalty(double penalty) {
    return with(draft -> draft.repetitionPenalty = penalty);
  }

  public GenerationConfig withEndTokens(Set<Integer> tokens) {
    return with(draft -> draft.endTokens = tokens);
  }

  public GenerationConfig withIgnoreEnd(boolean ignore) {
    return with(draft -> draft.ignoreEnd = ignore);
  }

  public GenerationConfig withStopTexts(String... texts) {
    return with(draft -> draft.stopTexts = List.of(texts));
  }

  public GenerationConfig withStopTokens(List<List<Integer>> sequences) {
    return with(draft -> draft.stopTokens = sequences);
  }

  public GenerationConfig withLogProbabilities(boolean wanted) {
    return with(draft -> draft.logProbabilities = wanted);
  }

  private GenerationConfig with(Consumer<Draft> change) {
    Draft draft = new Draft(this);
    change.accept(draft);
    return new GenerationConfig(
        maxTokens,
        temperature,
        topK,
        topP,
        draft.minP,
        draft.repetitionPenalty,
        draft.endTokens,
        draft.ignoreEnd,
        draft.stopTexts,
        draft.stopTokens,
        draft.logProbabilities);
  }

  /// The settings that may be changed one by one.
  private static final class Draft {
    double minP;
    double repetitionPenalty;
    Set<Integer> endTokens;
    boolean ignoreEnd;
    List<String> stopTexts;
    List<List<Integer>> stopTokens;
    boolean logProbabilities;

    Draft(GenerationConfig config) {
      minP = config.minP;
      repetitionPenalty = config.repetitionPenalty;
      endTokens = config.endTokens;
      ignoreEnd = config.ignoreEnd;
      stopTexts = config.stopTexts;
      stopTokens = config.stopTokens;
      logProbabilities = config.logProbabilities;
    }
  }
}
