package lemma.docs.command;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import lemma.sampling.generate.FinishReason;
import lemma.sampling.generate.Generation;
import lemma.sampling.generate.GenerationConfig;
import lemma.sampling.generate.TokenScore;
import lemma.sampling.search.Hypothesis;
import lemma.sampling.speculative.SpeculativeDecoder;
import tools.jackson.databind.json.JsonMapper;

/// Finished texts: as JSON, as ids, or as they are.
///
/// @param shared what the texts of the JSON have in common
record GenerationReport(Map<String, Object> shared, List<Sample> samples) {

  /// One text, and its JSON.
  record Sample(int[] tokens, String text, Map<String, Object> json) {
    private static Sample of(int[] tokens, String text, FinishReason reason) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("tokens", tokens);
      json.put("text", text);
      json.put("finishReason", reason);
      return new Sample(tokens, text, json);
    }
  }

  static GenerationReport drawn(
      PromptedModel source, long seed, GenerationConfig config, List<Generation> texts) {
    Map<String, Object> shared = new LinkedHashMap<>();
    shared.put("prompt", source.prompt());
    shared.put("seed", seed);
    List<Sample> samples = new ArrayList<>();
    for (Generation text : texts) {
      Sample sample = Sample.of(text.tokens(), text.text(), text.finishReason());
      if (config.logProbabilities() >= 0)
        sample.json().put("logProbabilities", text.logProbabilities());
      if (config.logProbabilities() > 0)
        sample.json().put("alternatives", alternatives(source, text));
      samples.add(sample);
    }
    return new GenerationReport(shared, samples);
  }

  private static List<List<Map<String, Object>>> alternatives(
      PromptedModel source, Generation text) {
    return text.alternatives().stream()
        .map(step -> step.stream().map(score -> alternative(source, score)).toList())
        .toList();
  }

  private static Map<String, Object> alternative(PromptedModel source, TokenScore score) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("token", score.token());
    json.put("logProbability", score.logProbability());
    if (source.tokenizer() != null) json.put("text", source.tokenizer().decode(score.token()));
    return json;
  }

  static GenerationReport found(PromptedModel source, List<Hypothesis> texts) {
    List<Sample> samples = new ArrayList<>();
    for (Hypothesis text : texts) {
      Sample sample = sample(source, text.tokens());
      sample.json().put("logProbability", text.logProbability());
      sample.json().put("score", text.score());
      samples.add(sample);
    }
    return new GenerationReport(Map.of("prompt", source.prompt()), samples);
  }

  static GenerationReport guessed(
      PromptedModel source, long seed, SpeculativeDecoder.Result result) {
    Map<String, Object> shared = new LinkedHashMap<>();
    shared.put("prompt", source.prompt());
    shared.put("seed", seed);
    Sample sample = sample(source, result.tokens());
    sample.json().put("targetPasses", result.targetPasses());
    sample.json().put("guessed", result.guessed());
    sample.json().put("accepted", result.accepted());
    return new GenerationReport(shared, List.of(sample));
  }

  private static Sample sample(PromptedModel source, int[] tokens) {
    boolean ended = source.endTokens().contains(tokens[tokens.length - 1]);
    return Sample.of(
        tokens, source.text(tokens), ended ? FinishReason.END_OF_TEXT : FinishReason.MAX_TOKENS);
  }

  /// One object: of a single text all there is, of several the list `samples`.
  String json() {
    Map<String, Object> json = new LinkedHashMap<>(shared);
    if (samples.size() == 1) json.putAll(samples.getFirst().json());
    else json.put("samples", samples.stream().map(Sample::json).toList());
    return JsonMapper.shared().writeValueAsString(json);
  }

  /// A line of ids for each text.
  String ids() {
    return samples.stream()
        .map(sample ->
            Arrays.stream(sample.tokens())
                .mapToObj(Integer::toString)
                .collect(Collectors.joining(",")))
        .collect(Collectors.joining(System.lineSeparator()));
  }

  /// The texts, numbered if there are several.
  String texts() {
    if (samples.size() == 1) return samples.getFirst().text();
    StringBuilder texts = new StringBuilder();
    for (int i = 0; i < samples.size(); i++) {
      String number = Terminal.dim("[%d of %d]".formatted(i + 1, samples.size()));
      texts.append(i == 0 ? "" : "%n%n".formatted()).append(number).append(System.lineSeparator());
      texts.append(samples.get(i).text());
    }
    return texts.toString();
  }
}
