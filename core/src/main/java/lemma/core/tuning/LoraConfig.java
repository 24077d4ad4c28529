package lemma.core.tuning;

import java.util.Arrays;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;

/// What a [LoraAdapter] is made of.
///
/// | component | in `adapter_config.json` | |
/// |---|---|---|
/// | `rank` | `r` | columns of B and rows of A |
/// | `alpha` | `lora_alpha` | weight of the update, see [#scaling()] |
/// | `rankStabilised` | `use_rslora` | divide α by √r instead of r |
/// | `dropout` | `lora_dropout` | of the input of A, while training |
/// | `targetModules` | `target_modules` | matrices by the end of their name: `q_proj` |
/// | `initialisation` | `init_lora_weights` | how A begins; B is zero |
///
/// Hu et al. 2021, section 4.1, arXiv:2106.09685; √r: Kalajdzievski 2023, arXiv:2312.03732.
public record LoraConfig(
    int rank,
    double alpha,
    boolean rankStabilised,
    double dropout,
    Set<String> targetModules,
    Initialisation initialisation) {

  /// The seven matrices of a layer of Llama.
  public static final Set<String> ALL_LINEAR =
      Set.of("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj");

  /// How A begins.
  public enum Initialisation {
    /// Uniform in ±1/√in: what the published code does, as Kaiming's rule with a = √5.
    KAIMING_UNIFORM,
    /// N(0, 1/r²): the paper says Gaussian, PEFT has chosen this deviation.
    GAUSSIAN
  }

  /// @throws IllegalArgumentException if `rank` or `alpha` is not positive, `dropout` is not in [0,
  ///     1) or there is no target
  public LoraConfig {
    if (rank <= 0) throw new IllegalArgumentException("rank must be positive, was " + rank);
    if (!(alpha > 0) || Double.isInfinite(alpha))
      throw new IllegalArgumentException("alpha must be positive, was " + alpha);
    if (!(dropout >= 0 && dropout < 1))
      throw new IllegalArgumentException("dropout must be in [0, 1), was " + dropout);
    targetModules = Collections.unmodifiableSortedSet(new TreeSet<>(targetModules));
    if (targetModules.isEmpty())
      throw new IllegalArgumentException("targetModules must not be empty");
  }

  /// α/r, no dropout, A as in the published code.
  public static LoraConfig of(int rank, double alpha, String... targetModules) {
    return new LoraConfig(
        rank,
        alpha,
        false,
        0,
        new TreeSet<>(Arrays.asList(targetModules)),
        Initialisation.KAIMING_UNIFORM);
  }

  /// What B·A is multiplied by: α/r, or α/√r if it is rank-stabilised.
  public double scaling() {
    return alpha / (rankStabilised ? Math.sqrt(rank) : rank);
  }

  /// Whether a module such as `model.layers.0.self_attn.q_proj` gets an update.
  public boolean targets(String module) {
    return targetModules.stream()
        .anyMatch(target -> module.equals(target) || module.endsWith("." + target));
  }
}
