package lemma.sampling.generate;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import lemma.sampling.filter.EpsilonCutoff;
import lemma.sampling.filter.EtaCutoff;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.filter.Mirostat;
import lemma.sampling.filter.SamplingKernel;
import lemma.sampling.filter.TopA;
import lemma.sampling.filter.TypicalP;
import lemma.sampling.filter.Xtc;

/// How sharp the distribution is, and which of its tokens can be drawn.
///
/// @param kernel temperature, top-k (exactly k), top-p and min-p
/// @param typicalP 1 is off, see [TypicalP]
/// @param epsilon 0 is off, see [EpsilonCutoff]
/// @param eta 0 is off, see [EtaCutoff]
/// @param topA 0 is off, see [TopA]
/// @param xtc probability 0 is off
/// @param mirostat decides alone what can be drawn, so all others must be off
public record Filters(
    SamplingKernel kernel,
    double typicalP,
    double epsilon,
    double eta,
    double topA,
    Xtc xtc,
    Optional<Mirostat> mirostat) {

  /// @throws IllegalArgumentException naming the filter that is outside its range, or that a
  ///     Mirostat does not go with
  public Filters {
    new TypicalP(typicalP);
    new EpsilonCutoff(epsilon, 1);
    new EtaCutoff(eta, 1);
    new TopA(topA);
    boolean others = kernel.topK() > 0 || kernel.topP() < 1 || kernel.minP() > 0;
    if (mirostat.isPresent() && (others || cuts(typicalP, epsilon, eta, topA, xtc)))
      throw new IllegalArgumentException(
          "mirostat decides alone what can be drawn: top-k, top-p, min-p, typical-p, epsilon, eta,"
              + " top-a and xtc must be off");
  }

  /// With these settings, the others off.
  public static Filters of(double temperature, int topK, double topP, double minP) {
    var kernel = new SamplingKernel(temperature, topK, topP, minP);
    return new Filters(kernel, 1, 0, 0, 0, new Xtc(0.1, 0), Optional.empty());
  }

  /// Whether there are cuts besides those of the kernel.
  boolean hasCuts() {
    return cuts(typicalP, epsilon, eta, topA, xtc);
  }

  private static boolean cuts(double typicalP, double epsilon, double eta, double topA, Xtc xtc) {
    return typicalP < 1 || epsilon > 0 || eta > 0 || topA > 0 || xtc.probability() > 0;
  }

  /// typical-p → epsilon → eta → top-a → XTC, without those that are off.
  ///
  /// None of them looks at the history, or changes a logit that it keeps.
  LogitsProcessor cuts(RandomGenerator random) {
    List<LogitsProcessor> cuts = new ArrayList<>();
    if (typicalP < 1) cuts.add(new TypicalP(typicalP));
    if (epsilon > 0) cuts.add(new EpsilonCutoff(epsilon, 1));
    if (eta > 0) cuts.add(new EtaCutoff(eta, 1));
    if (topA > 0) cuts.add(new TopA(topA));
    if (xtc.probability() > 0) cuts.add(xtc.with(random));
    return LogitsProcessor.chain(cuts);
  }

  public Filters withKernel(SamplingKernel settings) {
    return new Filters(settings, typicalP, epsilon, eta, topA, xtc, mirostat);
  }

  public Filters withMinP(double share) {
    return withKernel(
        new SamplingKernel(kernel.temperature(), kernel.topK(), kernel.topP(), share));
  }

  public Filters withTypicalP(double mass) {
    return new Filters(kernel, mass, epsilon, eta, topA, xtc, mirostat);
  }

  public Filters withEpsilon(double threshold) {
    return new Filters(kernel, typicalP, threshold, eta, topA, xtc, mirostat);
  }

  public Filters withEta(double threshold) {
    return new Filters(kernel, typicalP, epsilon, threshold, topA, xtc, mirostat);
  }

  public Filters withTopA(double a) {
    return new Filters(kernel, typicalP, epsilon, eta, a, xtc, mirostat);
  }

  public Filters withXtc(Xtc settings) {
    return new Filters(kernel, typicalP, epsilon, eta, topA, settings, mirostat);
  }

  public Filters withMirostat(Mirostat settings) {
    return new Filters(kernel, typicalP, epsilon, eta, topA, xtc, Optional.of(settings));
  }
}
