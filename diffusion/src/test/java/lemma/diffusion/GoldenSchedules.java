package lemma.diffusion;

import lemma.diffusion.schedule.BetaSchedule;
import lemma.diffusion.schedule.NoiseSchedule;
import lemma.diffusion.schedule.Prediction;
import lemma.diffusion.schedule.TimestepSpacing;
import lemma.diffusion.scheduler.Clipping;
import tools.jackson.databind.JsonNode;

/// The reference implementations' settings, by their names, as ours.
public final class GoldenSchedules {
  private GoldenSchedules() {}

  /// `schedule` (or `beta_schedule`), `num_train_timesteps`, `beta_start`, `beta_end`.
  public static NoiseSchedule schedule(JsonNode params) {
    int steps = params.path("num_train_timesteps").asInt(1000);
    double start = params.path("beta_start").asDouble(1e-4);
    double end = params.path("beta_end").asDouble(0.02);
    String name = params.path("schedule").asString(params.path("beta_schedule").asString("linear"));
    BetaSchedule betas =
        switch (name) {
          case "linear" -> new BetaSchedule.Linear(start, end);
          case "linear-rescaled" -> BetaSchedule.Linear.rescaled(steps);
          case "scaled_linear" -> new BetaSchedule.ScaledLinear(start, end);
          case "squaredcos_cap_v2", "cosine" -> new BetaSchedule.Cosine();
          case "sigmoid" -> new BetaSchedule.Sigmoid(start, end);
          case "exp" -> new BetaSchedule.Exponential(12);
          default -> throw new IllegalArgumentException(name);
        };
    NoiseSchedule schedule = NoiseSchedule.of(betas, steps);
    return params.path("rescale_betas_zero_snr").asBoolean(false)
        ? schedule.zeroTerminalSnr()
        : schedule;
  }

  public static TimestepSpacing spacing(String name, int offset) {
    return switch (name) {
      case "leading" -> new TimestepSpacing.Leading(offset);
      case "linspace" -> new TimestepSpacing.Linspace();
      case "trailing" -> new TimestepSpacing.Trailing();
      default -> throw new IllegalArgumentException(name);
    };
  }

  public static TimestepSpacing spacing(JsonNode config) {
    return spacing(
        config.path("timestep_spacing").asString("leading"), config.path("steps_offset").asInt(0));
  }

  public static Prediction prediction(JsonNode config) {
    return prediction(config.path("prediction_type").asString("epsilon"));
  }

  public static Prediction prediction(String name) {
    return switch (name) {
      case "epsilon" -> Prediction.EPSILON;
      case "sample", "start_x" -> Prediction.SAMPLE;
      case "v_prediction" -> Prediction.VELOCITY;
      default -> throw new IllegalArgumentException(name);
    };
  }

  public static Clipping clipping(JsonNode config) {
    if (config.path("thresholding").asBoolean(false))
      return new Clipping.Dynamic(
          config.path("dynamic_thresholding_ratio").asDouble(0.995),
          config.path("sample_max_value").asDouble(1));
    return config.path("clip_sample").asBoolean(true)
        ? new Clipping.Static(config.path("clip_sample_range").asDouble(1))
        : new Clipping.None();
  }
}
