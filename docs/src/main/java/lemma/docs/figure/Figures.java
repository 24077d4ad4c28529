package lemma.docs.figure;

import static java.util.Map.entry;

import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import lemma.docs.ProjectHome;

/// Every figure by name. A figure is a method that returns a [Figure], and one line here.
public final class Figures {

  /// Draws a figure from the project's classes; shipped models and data are under `home`.
  @FunctionalInterface
  public interface Source {
    Figure draw(ProjectHome home) throws IOException;
  }

  private static final Map<String, Source> SOURCES =
      Map.ofEntries(
          entry("activation-slopes", home -> ActivationFigures.slopes()),
          entry("activations", home -> ActivationFigures.values()),
          entry("alibi-reach", home -> PositionFigures.alibiReach()),
          entry("attention-singular-values", home -> AttentionFigures.singularValues()),
          entry("bucket-map", home -> BucketFigures.bucketMap()),
          entry("ddim-trajectory", GlyphFigures::ddimTrajectory),
          entry("ddpm-trajectory", GlyphFigures::ddpmTrajectory),
          entry("extrapolation-angles", home -> ExtrapolationFigures.angles()),
          entry("extrapolation-resolution", home -> ExtrapolationFigures.resolution()),
          entry("filter-dry", FilterFigures::dry),
          entry("filter-eta", FilterFigures::eta),
          entry("filter-min-p", FilterFigures::minP),
          entry("filter-mirostat", FilterFigures::mirostat),
          entry("filter-top-a", FilterFigures::topA),
          entry("filter-top-k", FilterFigures::topK),
          entry("filter-typical", FilterFigures::typical),
          entry("filter-xtc", FilterFigures::xtc),
          entry("flow-shift", home -> ScheduleFigures.flowShift()),
          entry("gelu-gap", home -> ActivationFigures.geluGap()),
          entry("gradient-depth", home -> NormFigures.gradientDepth()),
          entry("guidance-grid", GlyphFigures::guidanceGrid),
          entry("log-n-entropy", home -> ExtrapolationFigures.entropy()),
          entry("mask-patterns", home -> MaskPatterns.draw()),
          entry("nf4-levels", home -> QuantizationFigures.nf4Levels()),
          entry("noise-schedule-snr", home -> ScheduleFigures.noiseScheduleSnr()),
          entry("noise-schedules", home -> ScheduleFigures.noiseSchedules()),
          entry("quantization-error", home -> QuantizationFigures.quantizationError()),
          entry("repetition-remedies", RepetitionFigures::remedies),
          entry("rope-decay", home -> PositionFigures.ropeDecay()),
          entry("rope-rotation", home -> PositionFigures.ropeRotation()),
          entry("sinusoidal-product", home -> PositionFigures.sinusoidalProduct()),
          entry("solver-errors", home -> SolverFigures.errorOverCalls()),
          entry("speculative-tokens", home -> SearchFigures.speculativeTokens()),
          entry("t5-buckets", home -> PositionFigures.t5Buckets()),
          entry("temperature-step", SamplingFigures::temperatureStep),
          entry("tokenizer-lengths", TokenizerFigures::lengths),
          entry("top-p-cut", SamplingFigures::topPCut),
          entry("watermark-score", home -> SearchFigures.watermarkScore()));

  private Figures() {}

  public static Set<String> names() {
    return new TreeMap<>(SOURCES).navigableKeySet();
  }

  /// Draws the figure of that name.
  ///
  /// @throws IllegalArgumentException if there is none, or it cannot be drawn; the message names it
  public static Figure draw(String name, ProjectHome home) throws IOException {
    Source source = SOURCES.get(name);
    if (source == null)
      throw new IllegalArgumentException(
          "no figure \"%s\"; there are %s".formatted(name, String.join(", ", names())));
    try {
      return source.draw(home);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("figure " + name + ": " + e.getMessage(), e);
    }
  }
}
