package lemma.docs.command;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import lemma.core.tokenizer.Tokenizer;
import lemma.sampling.filter.Dry;
import lemma.sampling.generate.Penalties;
import picocli.CommandLine.Option;

/// `generate`: what is held against tokens that were there already.
final class PenaltyOptions {
  @Option(
      names = "--repetition-penalty",
      paramLabel = "R",
      description = "above 1, tokens that were there already become less likely (1)")
  double repetition = 1;

  @Option(
      names = "--presence-penalty",
      paramLabel = "A",
      description = "taken from the logit of a token that was there already (0)")
  double presence;

  @Option(
      names = "--frequency-penalty",
      paramLabel = "A",
      description = "taken for each time that it was there (0)")
  double frequency;

  @Option(
      names = "--no-repeat-ngram",
      paramLabel = "N",
      description = "never the same N tokens in a row twice (0, off)")
  int noRepeatNGram;

  @Option(
      names = "--dry-multiplier",
      paramLabel = "A",
      description = "DRY: what going on with a repeated passage costs (0, off)")
  double dryMultiplier;

  @Option(
      names = "--dry-base",
      paramLabel = "B",
      description = "how that grows with each token of the passage (1.75)")
  double dryBase = 1.75;

  @Option(
      names = "--dry-allowed-length",
      paramLabel = "N",
      description = "passages shorter than this cost nothing (2)")
  int dryAllowedLength = 2;

  @Option(
      names = "--dry-window",
      paramLabel = "N",
      description = "how many of the newest tokens are looked at (all)")
  int dryWindow = Integer.MAX_VALUE;

  @Option(
      names = "--dry-breaker",
      paramLabel = "TEXT",
      description = "passages end at tokens of this text; may be given several times")
  List<String> dryBreakers = List.of();

  boolean needTokenizer() {
    return !dryBreakers.isEmpty();
  }

  Penalties penalties(Tokenizer tokenizer) {
    Set<Integer> breakers = new LinkedHashSet<>();
    for (String text : dryBreakers) Arrays.stream(tokenizer.encode(text)).forEach(breakers::add);
    var dry = new Dry(dryMultiplier, dryBase, dryAllowedLength, dryWindow, breakers);
    return new Penalties(repetition, presence, frequency, noRepeatNGram, dry);
  }
}
