package lemma.diffusion.scheduler;

import static lemma.diffusion.GoldenSchedules.prediction;
import static lemma.diffusion.GoldenSchedules.schedule;
import static lemma.diffusion.GoldenSchedules.spacing;

import java.util.Arrays;
import java.util.stream.DoubleStream;
import lemma.diffusion.schedule.NoiseSchedule;
import lemma.diffusion.schedule.SigmaPath;
import lemma.diffusion.schedule.SigmaSpacing;
import lemma.diffusion.schedule.TimestepSpacing;
import tools.jackson.databind.JsonNode;

/// The solvers of diffusers, by their class names and settings, as ours.
final class DiffusersSolvers {
  private DiffusersSolvers() {}

  static SigmaScheduler of(JsonNode params) {
    JsonNode config = params.get("config");
    JsonNode call = params.path("step");
    return switch (params.get("scheduler").asString()) {
      case "EulerDiscreteScheduler" -> exploding(config, new Euler(churn(call)), false);
      case "EulerAncestralDiscreteScheduler" -> exploding(config, new EulerAncestral(), false);
      case "HeunDiscreteScheduler" -> exploding(config, new Heun(), false);
      case "KDPM2DiscreteScheduler" -> exploding(config, new Dpm2(), true);
      case "KDPM2AncestralDiscreteScheduler" -> exploding(config, Dpm2.ancestral(), true);
      case "LMSDiscreteScheduler" -> exploding(config, new LinearMultistep(), false);
      case "DPMSolverMultistepScheduler" -> preserving(config, dpmSolver(config));
      case "DPMSolverSinglestepScheduler" -> preserving(config, singleStep(config));
      case "UniPCMultistepScheduler" -> preserving(config, unipc(config));
      default -> throw new IllegalArgumentException(params.get("scheduler").asString());
    };
  }

  static Pndm pndm(JsonNode config) {
    Ddim ddim =
        new Ddim(schedule(config))
            .withPrediction(prediction(config))
            .withSpacing(spacing(config))
            .withEnd(
                config.path("set_alpha_to_one").asBoolean(false)
                    ? Ddim.End.CLEAN
                    : Ddim.End.FIRST_TIMESTEP);
    return new Pndm(
        ddim,
        config.path("skip_prk_steps").asBoolean(false)
            ? Pndm.Start.LINEAR_MULTISTEP
            : Pndm.Start.RUNGE_KUTTA);
  }

  static Churn churn(JsonNode options) {
    return new Churn(
        options.path("s_churn").asDouble(0),
        options.path("s_tmin").asDouble(0),
        options.path("s_tmax").asDouble(Double.POSITIVE_INFINITY),
        options.path("s_noise").asDouble(1));
  }

  static DpmSolver.Correction correction(String name) {
    return switch (name) {
      case "midpoint" -> DpmSolver.Correction.MIDPOINT;
      case "heun" -> DpmSolver.Correction.HEUN;
      default -> throw new IllegalArgumentException(name);
    };
  }

  /// The noise levels as diffusers lists them: two-call solvers repeat theirs.
  static double[] listed(String scheduler, double[] sigmas) {
    int n = sigmas.length;
    DoubleStream first = Arrays.stream(sigmas, 0, 1);
    return switch (scheduler) {
      case "HeunDiscreteScheduler" ->
          concat(first, twice(Arrays.copyOfRange(sigmas, 1, n - 1)), sigmas[n - 1]);
      case "KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler" ->
          concat(first, twice(Arrays.copyOfRange(sigmas, 1, n)), sigmas[n - 1]);
      default -> sigmas;
    };
  }

  private static DoubleStream twice(double[] values) {
    return Arrays.stream(values).flatMap(v -> DoubleStream.of(v, v));
  }

  private static double[] concat(DoubleStream first, DoubleStream middle, double last) {
    return DoubleStream.concat(DoubleStream.concat(first, middle), DoubleStream.of(last)).toArray();
  }

  private static DpmSolver dpmSolver(JsonNode config) {
    String algorithm = config.path("algorithm_type").asString("dpmsolver++");
    return new DpmSolver(
        algorithm.endsWith("++") ? DpmSolver.Target.DATA : DpmSolver.Target.NOISE,
        config.path("solver_order").asInt(2),
        correction(config.path("solver_type").asString("midpoint")),
        DpmSolver.Curvature.HALF,
        algorithm.startsWith("sde") ? 1 : 0,
        1,
        config.path("lower_order_final").asBoolean(true),
        config.path("euler_at_final").asBoolean(false));
  }

  private static DpmSolverSingleStep singleStep(JsonNode config) {
    String algorithm = config.path("algorithm_type").asString("dpmsolver++");
    return new DpmSolverSingleStep(
        algorithm.endsWith("++") ? DpmSolver.Target.DATA : DpmSolver.Target.NOISE,
        config.path("solver_order").asInt(2),
        correction(config.path("solver_type").asString("midpoint")),
        algorithm.startsWith("sde") ? 1 : 0,
        1,
        config.path("lower_order_final").asBoolean(false));
  }

  private static UniPc unipc(JsonNode config) {
    return new UniPc(
        config.path("predict_x0").asBoolean(true) ? DpmSolver.Target.DATA : DpmSolver.Target.NOISE,
        config.path("solver_order").asInt(2),
        config.path("solver_type").asString("bh2").equals("bh1")
            ? UniPc.Scale.LINEAR
            : UniPc.Scale.EXPONENTIAL,
        config.path("lower_order_final").asBoolean(true));
  }

  private static SigmaScheduler exploding(JsonNode config, SigmaSolver solver, boolean whole) {
    NoiseSchedule schedule = schedule(config);
    SigmaPath path =
        new SigmaPath(
            schedule,
            timesteps(config),
            sigmas(config),
            SigmaPath.Range.CHOSEN_TIMESTEPS,
            end(config),
            whole && config.path("use_karras_sigmas").asBoolean(false));
    Clipping clipping =
        config.path("clip_sample").asBoolean(false)
            ? new Clipping.Static(config.path("clip_sample_range").asDouble(1))
            : new Clipping.None();
    return new SigmaScheduler(path, solver)
        .withState(SigmaScheduler.State.VARIANCE_EXPLODING)
        .withPrediction(prediction(config))
        .withClipping(clipping);
  }

  private static SigmaScheduler preserving(JsonNode config, SigmaSolver solver) {
    TimestepSpacing spacing = timesteps(config);
    SigmaPath path =
        new SigmaPath(
            schedule(config),
            spacing instanceof TimestepSpacing.Trailing
                ? spacing
                : new TimestepSpacing.DropLast(spacing),
            sigmas(config),
            SigmaPath.Range.TRAINING,
            end(config),
            true);
    Clipping clipping =
        config.path("thresholding").asBoolean(false)
            ? new Clipping.Dynamic(
                config.path("dynamic_thresholding_ratio").asDouble(0.995),
                config.path("sample_max_value").asDouble(1))
            : new Clipping.None();
    return new SigmaScheduler(path, solver)
        .withPrediction(prediction(config))
        .withClipping(clipping);
  }

  private static TimestepSpacing timesteps(JsonNode config) {
    return spacing(
        config.path("timestep_spacing").asString("linspace"), config.path("steps_offset").asInt(0));
  }

  private static SigmaSpacing sigmas(JsonNode config) {
    if (config.path("use_karras_sigmas").asBoolean(false)) return new SigmaSpacing.Karras();
    return config.path("use_exponential_sigmas").asBoolean(false)
        ? new SigmaSpacing.Exponential()
        : new SigmaSpacing.OfTimesteps();
  }

  private static SigmaPath.End end(JsonNode config) {
    return config.path("final_sigmas_type").asString("zero").equals("sigma_min")
        ? SigmaPath.End.FIRST_TIMESTEP
        : SigmaPath.End.CLEAN;
  }
}
