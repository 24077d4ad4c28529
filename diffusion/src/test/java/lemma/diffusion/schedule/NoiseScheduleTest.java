package lemma.diffusion.schedule;

import static lemma.diffusion.GoldenSchedules.prediction;
import static lemma.diffusion.GoldenSchedules.schedule;
import static lemma.diffusion.GoldenSchedules.spacing;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

@Proves("noise-schedule")
class NoiseScheduleTest {

  private static List<BetaSchedule> schedules() {
    return List.of(
        new BetaSchedule.Linear(1e-4, 0.02),
        new BetaSchedule.ScaledLinear(0.00085, 0.012),
        new BetaSchedule.Sigmoid(1e-4, 0.02),
        new BetaSchedule.Cosine(),
        new BetaSchedule.Exponential(12));
  }

  @Claim("monotone")
  @Test
  void the_signal_to_noise_ratio_falls_at_every_step_of_every_schedule(Proof proof) {
    for (BetaSchedule betas : schedules())
      for (int steps : new int[] {1, 2, 10, 100, 1000}) {
        NoiseSchedule schedule = NoiseSchedule.of(betas, steps);
        assertThat(schedule.snr(-1)).isInfinite();
        for (int t = 0; t < steps; t++)
          proof.atMost("SNRₜ / SNRₜ₋₁", schedule.snr(t) / schedule.snr(t - 1), 1 - 1e-6);
      }
  }

  @Claim("uneven")
  @Test
  void equal_steps_to_the_same_end_would_leave_ten_times_the_noise_to_the_last_denoising_step(
      Proof proof) {
    NoiseSchedule linear = NoiseSchedule.ddpm();
    double[] equal = new double[1000];
    Arrays.fill(equal, 1 - Math.pow(linear.alphaBar(999), 1e-3));
    NoiseSchedule even = NoiseSchedule.of(equal);
    proof.atMost("gap of the ends", Math.abs(even.alphaBar(999) - linear.alphaBar(999)), 1e-12);
    // of 127.5 grey levels between black and grey
    proof.measured("first noise in grey levels, equal steps", 127.5 * even.noise(0));
    proof.measured("first noise in grey levels, linear β", 127.5 * linear.noise(0));
    proof.atLeast("ratio of the first noises", even.noise(0) / linear.noise(0), 10);
    // and where β is large, most of the noise is there already: a big step changes little
    proof.atMost(
        "β / (1 − ᾱ) of the last step", linear.beta(999) / (1 - linear.alphaBar(999)), 0.021);
  }

  @Claim("cosine")
  @Test
  void cosine_keeps_half_of_the_image_at_half_time_where_linear_has_lost_nine_tenths(Proof proof) {
    NoiseSchedule cosine = NoiseSchedule.of(new BetaSchedule.Cosine(), 1000);
    proof.atLeast("ᾱ at half time, cosine", cosine.alphaBar(499), 0.49);
    proof.atMost("ᾱ at half time, linear", NoiseSchedule.ddpm().alphaBar(499), 0.08);
  }

  @Claim("zero-terminal")
  @Test
  void the_rescaled_schedule_ends_at_exactly_zero_and_starts_unchanged(Proof proof) {
    for (BetaSchedule betas : schedules())
      for (int steps : new int[] {2, 10, 1000}) {
        NoiseSchedule schedule = NoiseSchedule.of(betas, steps);
        NoiseSchedule zero = schedule.zeroTerminalSnr();
        assertThat(zero.snr(steps - 1)).isZero();
        assertThat(zero.beta(steps - 1)).isEqualTo(1);
        proof.atMost("change of ᾱ₀", Math.abs(zero.alphaBar(0) - schedule.alphaBar(0)), 1e-12);
        for (int t = 0; t < steps; t++) assertThat(zero.snr(t)).isLessThan(zero.snr(t - 1));
      }
    proof.atLeast(
        "signal left at the end of Stable Diffusion's",
        NoiseSchedule.stableDiffusion().signal(999),
        0.068);
  }

  @Claim("spacing")
  @Test
  void leading_stops_a_stride_short_of_the_noisiest_timestep_and_the_others_visit_it(Proof proof) {
    for (int steps = 2; steps <= 999; steps++) {
      int[] leading = new TimestepSpacing.Leading().timesteps(steps, 1000);
      int[] linspace = new TimestepSpacing.Linspace().timesteps(steps, 1000);
      int[] trailing = new TimestepSpacing.Trailing().timesteps(steps, 1000);
      assertThat(leading[0]).isLessThanOrEqualTo(1000 - 1000 / steps);
      assertThat(linspace[0]).isEqualTo(999);
      assertThat(linspace[steps - 1]).isZero();
      assertThat(trailing[0]).isEqualTo(999);
      for (int[] timesteps : List.of(leading, linspace, trailing)) {
        assertThat(timesteps).hasSize(steps);
        for (int i = 1; i < steps; i++) assertThat(timesteps[i]).isLessThan(timesteps[i - 1]);
      }
    }
    proof.measured("first of 10 leading", new TimestepSpacing.Leading(1).timesteps(10, 1000)[0]);
  }

  @Claim("respacing")
  @Test
  void a_respaced_schedule_keeps_the_noise_levels_of_the_timesteps_that_it_visits(Proof proof) {
    NoiseSchedule schedule = NoiseSchedule.ddpm();
    for (int count : new int[] {1, 4, 10, 333, 1000}) {
      int[] timesteps = TimestepRespacing.sections(1000, count);
      NoiseSchedule respaced = schedule.respaced(timesteps);
      for (int i = 0; i < count; i++)
        proof.atMost(
            "relative change of ᾱ",
            Math.abs(respaced.alphaBar(i) / schedule.alphaBar(timesteps[i]) - 1),
            1e-12); // a product of up to 1000 factors
    }
  }

  @Claim("weights")
  @Test
  void one_error_is_three_losses_apart_by_the_signal_to_noise_ratio(Proof proof) {
    RandomGenerator random = random(3);
    NoiseSchedule schedule = NoiseSchedule.ddpm();
    for (int t : new int[] {0, 10, 250, 500, 999}) {
      NoiseLevel level = schedule.level(t);
      Tensor x = Tensor.gaussian(random, 8);
      Tensor right = Tensor.gaussian(random, 8);
      Tensor wrong = Tensor.gaussian(random, 8);
      double[] losses = new double[3];
      for (Prediction prediction : Prediction.values()) {
        // the same two images, each as this network would say it
        Tensor a = prediction.of(right, Prediction.SAMPLE.epsilon(right, x, level), level);
        Tensor b = prediction.of(wrong, Prediction.SAMPLE.epsilon(wrong, x, level), level);
        losses[prediction.ordinal()] = a.sub(b).square().mean().item();
      }
      double x0 = losses[Prediction.SAMPLE.ordinal()];
      double snr = schedule.snr(t);
      proof.atMost(
          "‖Δε‖² / (SNR·‖Δx₀‖²) − 1",
          Math.abs(losses[Prediction.EPSILON.ordinal()] / (snr * x0) - 1),
          1e-10);
      proof.atMost(
          "‖Δv‖² / ((SNR + 1)·‖Δx₀‖²) − 1",
          Math.abs(losses[Prediction.VELOCITY.ordinal()] / ((snr + 1) * x0) - 1),
          1e-10);
      // and so a min-SNR weight says the same for every prediction
      LossWeight weight = new LossWeight.MinSnr(5);
      double[] weighted =
          Arrays.stream(Prediction.values())
              .mapToDouble(p -> weight.at(snr, p) * losses[p.ordinal()] / x0)
              .toArray();
      double[] same = {Math.min(snr, 5), Math.min(snr, 5), Math.min(snr, 5)};
      proof.atMost("gap of the weighted losses", gap(weighted, same), 1e-9);
    }
  }

  @Claim("shift")
  @Test
  void shifting_divides_the_signal_to_noise_ratio_as_averaging_the_extra_pixels_would(Proof proof) {
    // A flat image of m pixels at σ: its mean is known to σ/((1 − σ)·√m). Shifted by √(m/n), the
    // m-pixel image has the uncertainty that one of n pixels has at t.
    for (double pixels : new double[] {256 * 256, 512 * 512, 1024 * 1024, 2048 * 1024}) {
      FlowShift shift = FlowShift.resolution(512 * 512, pixels);
      for (double t = 0.01; t < 1; t += 0.01) {
        double sigma = shift.sigma(t);
        double uncertainty = sigma / (1 - sigma) / Math.sqrt(pixels);
        double trained = t / (1 - t) / 512;
        proof.atMost("relative gap", Math.abs(uncertainty / trained - 1), 1e-10);
      }
    }
    assertThat(new FlowShift(3).sigma(0)).isZero();
    assertThat(new FlowShift(3).sigma(1)).isEqualTo(1);
  }

  @Claim("parity")
  @GoldenCases("diffusion/beta-schedules")
  void betas_equal_the_reference(GoldenCase golden, Proof proof) {
    expectIndices(golden, schedule(golden.params()), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/zero-terminal-snr")
  void zero_terminal_schedules_equal_the_reference(GoldenCase golden, Proof proof) {
    expectIndices(golden, schedule(golden.params()).zeroTerminalSnr(), proof);
  }

  private static void expectIndices(GoldenCase golden, NoiseSchedule schedule, Proof proof) {
    int[] indices =
        golden.params().has("indices")
            ? Arrays.stream(GoldenCase.numbers(golden.params().get("indices")))
                .mapToInt(index -> (int) index)
                .toArray()
            : IntStream.range(0, schedule.steps()).toArray();
    golden.expect("betas", Arrays.stream(indices).mapToDouble(schedule::beta).toArray(), proof);
    golden.expect(
        "alphas_cumprod", Arrays.stream(indices).mapToDouble(schedule::alphaBar).toArray(), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/timestep-spacing")
  void timesteps_equal_the_reference(GoldenCase golden, Proof proof) {
    int steps = golden.integer("num_inference_steps");
    int trainingSteps = golden.integer("num_train_timesteps");
    TimestepSpacing spacing = spacing(golden.text("spacing"), golden.integer("steps_offset"));
    String scheduler = golden.text("scheduler");
    if (scheduler.startsWith("DPMSolver") && !(spacing instanceof TimestepSpacing.Trailing))
      spacing = new TimestepSpacing.DropLast(spacing);
    double[] timesteps =
        scheduler.equals("Euler")
            ? spacing.points(steps, trainingSteps)
            : Arrays.stream(spacing.timesteps(steps, trainingSteps)).asDoubleStream().toArray();
    golden.expect("timesteps", timesteps, proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/snr-weights")
  void weights_equal_the_reference(GoldenCase golden, Proof proof) {
    NoiseSchedule schedule = schedule(golden.params());
    double[] snr =
        Arrays.stream(GoldenCase.numbers(golden.params().get("timesteps")))
            .map(t -> schedule.snr((int) t))
            .toArray();
    LossWeight minSnr = new LossWeight.MinSnr(golden.number("gamma"));
    golden.expect("snr", snr, proof);
    golden.expect("log_snr", Arrays.stream(snr).map(Math::log).toArray(), proof);
    golden.expect("min_snr_epsilon", weights(minSnr, "epsilon", snr), proof);
    golden.expect("min_snr_v", weights(minSnr, "v_prediction", snr), proof);
    golden.expect("min_snr_x0", weights(minSnr, "sample", snr), proof);
    golden.expect(
        "v_scale", weights(new LossWeight.VelocityAsEpsilon(), "v_prediction", snr), proof);
    golden.expect("debiased_epsilon", weights(new LossWeight.Debiased(), "epsilon", snr), proof);
    golden.expect("debiased_v", weights(new LossWeight.Debiased(), "v_prediction", snr), proof);
  }

  private static double[] weights(LossWeight weight, String prediction, double[] snr) {
    return Arrays.stream(snr).map(value -> weight.at(value, prediction(prediction))).toArray();
  }

  @Claim("parity")
  @GoldenCases("diffusion/timestep-respacing")
  void respacing_equals_the_reference(GoldenCase golden, Proof proof) {
    int steps = golden.integer("num_train_timesteps");
    JsonNode sections = golden.params().get("sections");
    int[] timesteps =
        sections.isString()
            ? TimestepRespacing.stride(
                steps, Integer.parseInt(sections.asString().substring("ddim".length())))
            : TimestepRespacing.sections(
                steps, sections.valueStream().mapToInt(JsonNode::asInt).toArray());
    golden.expect("timesteps", timesteps);
    NoiseSchedule respaced = schedule(golden.params()).respaced(timesteps);
    golden.expect("betas", respaced.betas(), proof);
    golden.expect("alphas_cumprod", respaced.alphaBars(), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/flow-shift")
  void shifts_equal_the_reference(GoldenCase golden, Proof proof) {
    switch (golden.text("kind")) {
      case "sd3" ->
          golden.expect(
              "sigma", new FlowShift(golden.number("shift")).sigmas(golden.doubles("t")), proof);
      case "sd3-resolution" -> {
        FlowShift shift =
            FlowShift.resolution(golden.number("base_pixels"), golden.number("new_pixels"));
        golden.expect("shift", shift.shift(), proof);
        golden.expect("sigma", shift.sigmas(golden.doubles("t")), proof);
      }
      case "flux" -> {
        double mu =
            FlowShift.fluxMu(
                golden.integer("image_seq_len"),
                golden.number("base_shift"),
                golden.number("max_shift"));
        golden.expect("mu", mu, proof);
        FlowShift shift = golden.flag("shift") ? FlowShift.flux(mu) : new FlowShift(1);
        golden.expect("timesteps", shift.grid(golden.integer("num_steps")), proof);
      }
      case "flux-time-shift" ->
          golden.expect(
              "t_shifted",
              new FlowShift(Math.exp(golden.number("mu")), golden.number("sigma"))
                  .sigmas(golden.doubles("t")),
              proof);
      case "diffusers-flow" -> {
        int steps = golden.integer("num_inference_steps");
        JsonNode config = golden.params().get("config");
        JsonNode call = golden.params().get("set_timesteps");
        boolean dynamic = config.path("use_dynamic_shifting").asBoolean(false);
        FlowShift shift =
            dynamic
                ? FlowShift.flux(call.get("mu").asDouble())
                : new FlowShift(config.path("shift").asDouble(1));
        // without sigmas of its own the reference starts from the ends of its shifted table
        double smallest = dynamic ? 1e-3 : shift.sigma(1e-3);
        double[] grid =
            call.has("sigmas")
                ? FlowShift.spaced(1, 1.0 / steps, steps)
                : FlowShift.spaced(1, smallest, steps);
        double[] sigmas = shift.sigmas(grid);
        golden.expect("sigmas", Arrays.copyOf(sigmas, steps + 1), proof);
        golden.expect("timesteps", Arrays.stream(sigmas).map(s -> 1000 * s).toArray(), proof);
      }
      default -> throw new IllegalArgumentException(golden.text("kind"));
    }
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new BetaSchedule.Linear(0.02, 1e-4), "start", "0.02");
    Refusal.of(() -> new BetaSchedule.Sigmoid(Double.NaN, 0.1), "start", "NaN");
    Refusal.of(() -> new BetaSchedule.Cosine(-1), "offset", "-1");
    Refusal.of(() -> NoiseSchedule.of(new BetaSchedule.Cosine(), 0), "steps", "0");
    Refusal.of(() -> NoiseSchedule.of(0.1, 1.5), "betas", "1.5");
    Refusal.of(NoiseSchedule::of, "betas", "empty");
    Refusal.of(() -> NoiseSchedule.ddpm().alphaBar(1000), "timestep", "1000", "999");
    Refusal.of(() -> NoiseSchedule.ddpm().beta(-1), "timestep", "-1");
    Refusal.of(() -> NoiseSchedule.ddpm().respaced(5, 5), "ascend", "5");
    Refusal.of(() -> NoiseSchedule.of(0.5).zeroTerminalSnr(), "one step");
    Refusal.of(() -> new TimestepSpacing.Leading().timesteps(0, 1000), "steps", "0");
    Refusal.of(() -> new TimestepSpacing.Trailing().timesteps(1001, 1000), "steps", "1001");
    Refusal.of(() -> new TimestepSpacing.Leading(1).timesteps(1000, 1000), "timestep 1000", "999");
    Refusal.of(() -> TimestepRespacing.sections(10, 6, 5), "section 0", "6");
    Refusal.of(() -> TimestepRespacing.stride(1000, 999), "stride", "999");
    Refusal.of(() -> new FlowShift(0), "shift", "0");
    Refusal.of(() -> new FlowShift(3).sigma(1.5), "t", "1.5");
    Refusal.of(() -> new LossWeight.MinSnr(0), "gamma", "0");
    Refusal.of(() -> new LossWeight.VelocityAsEpsilon().at(1, Prediction.SAMPLE), "VELOCITY");
    Refusal.of(
        () -> NoiseSchedule.ddpm().level(3).noised(Tensor.ones(2), Tensor.ones(3)),
        "epsilon",
        "[2]",
        "[3]");
  }
}
