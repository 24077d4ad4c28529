package lemma.docs.command;

import java.util.List;
import java.util.Set;
import lemma.sampling.generate.StopConditions;
import picocli.CommandLine.Option;

/// `generate`: when the text ends.
final class StopOptions {
  @Option(names = "--max-tokens", paramLabel = "N", description = "most tokens to generate (200)")
  int maxTokens = 200;

  @Option(
      names = "--min-tokens",
      paramLabel = "N",
      description = "no end of the text before N tokens (0)")
  int minTokens;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "end before this text; may be given several times")
  List<String> texts = List.of();

  @Option(names = "--ignore-eos", description = "go on after the model's end token")
  boolean ignoreEnd;

  StopConditions conditions(Set<Integer> endTokens) {
    return StopConditions.after(maxTokens)
        .withEndTokens(endTokens)
        .withIgnoreEnd(ignoreEnd)
        .withTexts(texts);
  }
}
