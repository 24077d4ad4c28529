package lemma.docs.command;

import picocli.CommandLine.Option;

/// `generate`: how many texts, and how they are shown.
final class OutputOptions {
  @Option(
      names = "--n",
      paramLabel = "N",
      description = "texts for the prompt, which is read once (1)")
  int count = 1;

  @Option(names = "--seed", paramLabel = "S", description = "of the random draws (0)")
  long seed;

  @Option(
      names = "--logprobs",
      paramLabel = "N",
      description =
          "with --json, ln P of each token in the model's own distribution, and of the N likeliest"
              + " at its place; 0 for the token alone")
  Integer logProbabilities;

  @Option(names = "--print-ids", description = "print the generated ids, a line a text, no text")
  boolean ids;

  @Option(
      names = "--json",
      description =
          "print JSON at the end, nothing before: prompt, seed, tokens, text, finishReason; with"
              + " several texts these are in samples")
  boolean json;
}
