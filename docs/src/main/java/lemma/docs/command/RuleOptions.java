package lemma.docs.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import lemma.core.tokenizer.Tokenizer;
import lemma.sampling.constrain.Constraint;
import lemma.sampling.constrain.TokenTrie;
import lemma.sampling.generate.TextLink;
import lemma.sampling.generate.TokenRules;
import lemma.sampling.watermark.GreenList;
import lemma.sampling.watermark.Watermark;
import picocli.CommandLine.Option;

/// `generate`: which tokens may come, whatever the model thinks of them.
final class RuleOptions {
  @Option(
      names = "--logit-bias",
      paramLabel = "ID=V",
      split = ",",
      description = "adds V to the logit of a token; -Infinity forbids it: --logit-bias 7=2,9=-1")
  Map<Integer, Double> bias = Map.of();

  @Option(
      names = "--bad-words",
      paramLabel = "TEXT",
      description =
          "never this text, with or without a space before it; may be given several times")
  List<String> badWords = List.of();

  @Option(
      names = "--regex",
      paramLabel = "PATTERN",
      description = "only texts that the pattern matches from end to end")
  String regex;

  @Option(
      names = "--json-schema",
      paramLabel = "FILE",
      description = "only JSON that the schema in this file accepts")
  Path jsonSchema;

  @Option(
      names = "--grammar",
      paramLabel = "FILE",
      description = "only texts that the grammar in this file derives from its rule root")
  Path grammar;

  @Option(
      names = "--watermark",
      paramLabel = "KEY",
      description = "marks the text so that whoever has this number can tell where it came from")
  Long watermark;

  @Option(
      names = "--watermark-gamma",
      paramLabel = "G",
      description = "the share of the vocabulary that is favoured at each step (0.25)")
  double watermarkGamma = 0.25;

  @Option(names = "--watermark-delta", paramLabel = "D", description = "what its logits get (2)")
  double watermarkDelta = 2;

  boolean needTokenizer() {
    return regex != null || jsonSchema != null || grammar != null || !badWords.isEmpty();
  }

  TokenRules rules(PromptedModel source) throws IOException {
    Map<List<Integer>, Double> biases = new HashMap<>();
    bias.forEach((token, added) -> biases.put(List.of(token), added));
    return TokenRules.NONE
        .withBias(biases)
        .withBadWords(spellings(source.tokenizer()))
        .withLinks(links(source));
  }

  private Set<List<Integer>> spellings(Tokenizer tokenizer) {
    Set<List<Integer>> spellings = new HashSet<>();
    for (String word : badWords)
      for (String spelling : new String[] {word, " " + word})
        spellings.add(Arrays.stream(tokenizer.encode(spelling)).boxed().toList());
    return spellings;
  }

  private List<TextLink> links(PromptedModel source) throws IOException {
    List<TextLink> links = new ArrayList<>();
    Optional<Constraint> constraint = constraint();
    if (constraint.isPresent())
      links.add(
          TextLink.of(constraint.get(), TokenTrie.of(source.tokenizer()), source.endTokens()));
    if (watermark != null) {
      int size = source.model().vocabularySize();
      var green = new GreenList(size, watermarkGamma, watermark);
      links.add(TextLink.of(new Watermark(green, watermarkDelta)));
    }
    return links;
  }

  private Optional<Constraint> constraint() throws IOException {
    if (regex != null) return Optional.of(Constraint.regex(regex));
    if (jsonSchema != null) return Optional.of(Constraint.jsonSchema(Files.readString(jsonSchema)));
    if (grammar != null) return Optional.of(Constraint.grammar(Files.readString(grammar)));
    return Optional.empty();
  }
}
