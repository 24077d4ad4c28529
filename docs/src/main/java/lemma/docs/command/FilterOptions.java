package lemma.docs.command;

import lemma.sampling.filter.Mirostat;
import lemma.sampling.filter.Xtc;
import lemma.sampling.generate.Filters;
import picocli.CommandLine.Option;

/// `generate`: how sharp the distribution is, and which of its tokens can be drawn.
final class FilterOptions {
  private static final int MIROSTAT_RANKS = 100; // as in llama.cpp

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "0 takes the likeliest token, 1 the model's own odds (0.8)")
  double temperature = 0.8;

  @Option(names = "--top-k", paramLabel = "K", description = "only the K likeliest; 0 for all (0)")
  int topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "only the likeliest that make up probability P (1)")
  double topP = 1;

  @Option(
      names = "--min-p",
      paramLabel = "P",
      description = "only tokens at least P times as likely as the likeliest (0)")
  double minP;

  @Option(
      names = "--typical-p",
      paramLabel = "P",
      description = "only those about as surprising as expected, of probability P together (1)")
  double typicalP = 1;

  @Option(
      names = "--epsilon",
      paramLabel = "P",
      description = "only tokens of at least this probability (0)")
  double epsilon;

  @Option(
      names = "--eta",
      paramLabel = "P",
      description = "the same with a threshold that falls where the model is unsure (0)")
  double eta;

  @Option(
      names = "--top-a",
      paramLabel = "A",
      description = "only tokens of at least A times the square of the largest probability (0)")
  double topA;

  @Option(
      names = "--xtc-probability",
      paramLabel = "P",
      description = "how often the top choices but the last are left out (0)")
  double xtcProbability;

  @Option(
      names = "--xtc-threshold",
      paramLabel = "P",
      description = "what is a top choice: tokens of at least this probability (0.1)")
  double xtcThreshold = 0.1;

  @Option(
      names = "--mirostat",
      paramLabel = "1|2",
      description = "keeps the surprise near a target, by version 1 or 2; 0 for off (0)")
  int mirostat;

  @Option(
      names = "--mirostat-tau",
      paramLabel = "BITS",
      description = "the target: mean surprise of a token (5)")
  double mirostatTau = 5;

  @Option(
      names = "--mirostat-eta",
      paramLabel = "ETA",
      description = "how fast it is corrected (0.1)")
  double mirostatEta = 0.1;

  Filters filters() {
    Filters filters =
        Filters.of(temperature, topK, topP, minP)
            .withTypicalP(typicalP)
            .withEpsilon(epsilon)
            .withEta(eta)
            .withTopA(topA)
            .withXtc(new Xtc(xtcThreshold, xtcProbability));
    return switch (mirostat) {
      case 0 -> filters;
      case 1 -> filters.withMirostat(new Mirostat.V1(mirostatTau, mirostatEta, MIROSTAT_RANKS));
      case 2 -> filters.withMirostat(new Mirostat.V2(mirostatTau, mirostatEta));
      default ->
          throw new IllegalArgumentException("--mirostat must be 0, 1 or 2, was " + mirostat);
    };
  }
}
