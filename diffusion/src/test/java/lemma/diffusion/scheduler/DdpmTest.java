package lemma.diffusion.scheduler;

import static lemma.diffusion.GoldenSchedules.clipping;
import static lemma.diffusion.GoldenSchedules.prediction;
import static lemma.diffusion.GoldenSchedules.schedule;
import static lemma.diffusion.GoldenSchedules.spacing;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;
import lemma.diffusion.Mixture;
import lemma.diffusion.schedule.BetaSchedule;
import lemma.diffusion.schedule.NoiseLevel;
import lemma.diffusion.schedule.NoiseSchedule;
import lemma.diffusion.schedule.Prediction;
import lemma.diffusion.schedule.TimestepSpacing;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

@Proves("ddpm")
class DdpmTest {
  private static final NoiseSchedule SCHEDULE = NoiseSchedule.ddpm();

  @Claim("closed-form")
  @Test
  void one_jump_to_t_has_the_mean_and_variance_of_t_small_steps(Proof proof) {
    for (BetaSchedule betas :
        List.of(new BetaSchedule.Linear(1e-4, 0.02), new BetaSchedule.Cosine())) {
      NoiseSchedule schedule = NoiseSchedule.of(betas, 1000);
      double mean = 1; // of x₀ = 1
      double variance = 0;
      for (int t = 0; t < 1000; t++) {
        mean *= Math.sqrt(1 - schedule.beta(t));
        variance = (1 - schedule.beta(t)) * variance + schedule.beta(t);
        proof.atMost("gap of the means", Math.abs(mean - schedule.signal(t)), 1e-12);
        proof.atMost(
            "gap of the variances", Math.abs(variance - (1 - schedule.alphaBar(t))), 1e-12);
      }
    }
  }

  @Claim("bayes")
  @Test
  void the_posterior_is_bayes_rule_on_the_forward_process(Proof proof) {
    RandomGenerator random = random(1);
    for (int t : new int[] {1, 10, 500, 999}) {
      Posterior posterior = Posterior.of(SCHEDULE.alphaBar(t), SCHEDULE.alphaBar(t - 1));
      for (int trial = 0; trial < 100; trial++) {
        double x0 = random.nextGaussian();
        double x = random.nextGaussian();
        double mean = posterior.x0Weight() * x0 + posterior.xWeight() * x;
        double deviation = Math.sqrt(posterior.variance());
        double previous = mean + 3 * random.nextGaussian() * deviation;
        double alpha = 1 - SCHEDULE.beta(t);
        double bayes =
            logDensity(x, Math.sqrt(alpha) * previous, SCHEDULE.beta(t))
                + logDensity(previous, SCHEDULE.signal(t - 1) * x0, 1 - SCHEDULE.alphaBar(t - 1))
                - logDensity(x, SCHEDULE.signal(t) * x0, 1 - SCHEDULE.alphaBar(t));
        double direct = logDensity(previous, mean, posterior.variance());
        // log densities reach 10⁵ where x is far from √α·x₀ in units of a small β
        proof.atMost(
            "relative gap of the log densities",
            Math.abs(bayes - direct) / (1 + x * x / SCHEDULE.beta(t)),
            1e-11);
      }
    }
  }

  private static double logDensity(double x, double mean, double variance) {
    return -0.5 * ((x - mean) * (x - mean) / variance + Math.log(2 * Math.PI * variance));
  }

  @Claim("interchange")
  @Test
  void noise_image_and_velocity_say_the_same(Proof proof) {
    RandomGenerator random = random(2);
    for (int t : new int[] {0, 1, 100, 500, 900, 999}) {
      NoiseLevel level = SCHEDULE.level(t);
      Tensor x0 = Tensor.gaussian(random, 2, 5);
      Tensor epsilon = Tensor.gaussian(random, 2, 5);
      Tensor x = level.noised(x0, epsilon);
      for (Prediction prediction : Prediction.values()) {
        Tensor output = prediction.of(x0, epsilon, level);
        // dividing by √ᾱ or √(1 − ᾱ) of 1/160 and 1/100 costs up to three digits
        proof.atMost(
            "max |Δ|", gap(prediction.x0(output, x, level).toArray(), x0.toArray()), 1e-12);
        proof.atMost(
            "max |Δ|",
            gap(prediction.epsilon(output, x, level).toArray(), epsilon.toArray()),
            1e-12);
      }
    }
  }

  @Claim("interchange")
  @Test
  void a_step_is_the_same_whatever_the_network_predicts(Proof proof) {
    RandomGenerator random = random(3);
    Mixture mixture = Mixture.example();
    Tensor start = Tensor.gaussian(random, 3, 4);
    Tensor[] noise =
        IntStream.range(0, 20).mapToObj(i -> Tensor.gaussian(random, 3, 4)).toArray(Tensor[]::new);
    double[][] results = new double[3][];
    for (Prediction prediction : Prediction.values())
      results[prediction.ordinal()] =
          new Sampler(new Ddpm(SCHEDULE).withPrediction(prediction), 20)
              .run(
                  mixture.denoiser(SCHEDULE, prediction),
                  start,
                  replay(noise),
                  Sampler.Observer.none())
              .toArray();
    proof.atMost("max |Δ| after 20 steps", gap(results[1], results[0]), 1e-10);
    proof.atMost("max |Δ| after 20 steps", gap(results[2], results[0]), 1e-10);
  }

  @Claim("samples")
  @Test
  void samples_of_the_ideal_network_have_the_moments_of_the_data(Proof proof) {
    RandomGenerator random = random(4);
    Mixture mixture = Mixture.example();
    int count = 4000;
    Tensor samples =
        new Sampler(new Ddpm(SCHEDULE), 250)
            .sample(mixture.denoiser(SCHEDULE, Prediction.EPSILON), new int[] {count, 4}, random);
    double[] mean = samples.mean(0, false).toArray();
    double[] variance = samples.variance(0, false).toArray();
    for (int i = 0; i < 4; i++) {
      double m = 0.3 * mixture.means()[0][i] + 0.7 * mixture.means()[1][i];
      double between = mixture.means()[1][i] - mixture.means()[0][i];
      double v = 0.3 * 0.25 + 0.7 * 0.5 + 0.21 * between * between;
      // four standard errors of 4000 draws; the strides add a bias well below
      proof.atMost(
          "gap of the means in standard errors", Math.abs(mean[i] - m) / Math.sqrt(v / count), 4);
      proof.atMost("relative gap of the variances", Math.abs(variance[i] / v - 1), 0.1);
    }
  }

  @Claim("loss")
  @Test
  void the_simple_loss_is_least_for_the_ideal_network(Proof proof) {
    RandomGenerator random = random(5);
    Mixture mixture = Mixture.example();
    int count = 5000;
    Tensor x0 = mixture.sample(count, random);
    Tensor epsilon = Tensor.gaussian(random, count, 4);
    for (Prediction prediction : Prediction.values()) {
      DdpmLoss loss = new DdpmLoss(new Ddpm(SCHEDULE).withPrediction(prediction));
      Denoiser ideal = mixture.denoiser(SCHEDULE, prediction);
      for (int t : new int[] {100, 400, 800}) {
        int[] timesteps = new int[count];
        Arrays.fill(timesteps, t);
        double least =
            loss.simple((x, ts) -> ideal.predict(x, t), x0, epsilon, timesteps).mean().item();
        for (double factor : new double[] {0.8, 0.9, 1.1, 1.25}) {
          double other =
              loss.simple((x, ts) -> ideal.predict(x, t).mul(factor), x0, epsilon, timesteps)
                  .mean()
                  .item();
          proof.atLeast("loss relative to the ideal's", other / least, 1.0001);
        }
      }
    }
  }

  @Claim("threshold")
  @Test
  void a_dynamic_threshold_keeps_contrast_that_a_static_one_saturates(Proof proof) {
    Tensor x0 = Tensor.of(new double[] {-4, -2, -1.5, 1.2, 2, 0.9, 0.1, -0.3, 0.2, 0.4}, 2, 5);
    Tensor clipped = new Clipping.Static(1).apply(x0);
    Tensor scaled = new Clipping.Dynamic(1, 100).apply(x0);
    assertThat(clipped.slice(0, 0, 1).toArray()).containsExactly(-1, -1, -1, 1, 1);
    proof.atMost(
        "gap to x₀ / 4",
        gap(scaled.slice(0, 0, 1).toArray(), new double[] {-1, -0.5, -0.375, 0.3, 0.5}),
        1e-15);
    // an image that is in range is left alone
    assertThat(scaled.slice(0, 1, 2).toArray()).containsExactly(0.9, 0.1, -0.3, 0.2, 0.4);
  }

  @Claim("parity")
  @GoldenCases("diffusion/forward-process")
  void noising_equals_the_reference(GoldenCase golden, Proof proof) {
    NoiseSchedule schedule = schedule(golden.params());
    int[] t = ints(golden.params().get("t"));
    Tensor x0 = golden.tensor("x0");
    NoiseLevel level = schedule.levels(t, x0.rank());
    golden.expect("x_t", level.noised(x0, golden.tensor("noise")), proof);
    golden.expect("mean", level.signal().mul(x0), proof);
    golden.expect("variance", level.noise().square().toArray(), proof);
    golden.expect("log_variance", level.noise().square().log().toArray(), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/posterior")
  void reverse_steps_equal_the_reference(GoldenCase golden, Proof proof) {
    int[] t = ints(golden.params().get("t"));
    Ddpm ddpm = new Ddpm(schedule(golden.params()));
    if (golden.text("kind").equals("q_posterior")) {
      Tensor x0 = golden.tensor("x0");
      Tensor x = golden.tensor("x_t");
      golden.expect("mean", rows(t, i -> ddpm.posterior(t[i]).mean(row(x0, i), row(x, i))), proof);
      golden.expect(
          "variance",
          Arrays.stream(t).mapToDouble(i -> ddpm.posterior(i).variance()).toArray(),
          proof);
      // the logarithm that the reverse step takes of it
      golden.expect(
          "log_variance_clipped",
          Arrays.stream(t)
              .mapToDouble(
                  i -> ddpm.reverse(Tensor.ones(1), Tensor.ones(1), i).logVariance().item())
              .toArray(),
          proof);
      return;
    }
    Ddpm configured =
        ddpm.withClipping(
                golden.flag("clip_denoised") ? new Clipping.Static(1) : new Clipping.None())
            .withVariance(variance(golden.text("var_type")));
    Tensor x = golden.tensor("x_t");
    Tensor output = golden.tensor("model_output");
    Tensor noise = golden.tensor("noise");
    String type = golden.text("mean_type");
    IntFunction<Ddpm.Reverse> reverse =
        i ->
            type.equals("previous_x")
                ? configured.reverseOfMean(row(output, i), row(x, i), t[i])
                : configured
                    .withPrediction(prediction(type))
                    .reverse(row(output, i), row(x, i), t[i]);
    golden.expect("mean", rows(t, i -> reverse.apply(i).mean()), proof);
    golden.expect("variance", rows(t, i -> reverse.apply(i).variance()), proof);
    golden.expect("log_variance", rows(t, i -> reverse.apply(i).logVariance()), proof);
    golden.expect("pred_x0", rows(t, i -> reverse.apply(i).x0()), proof);
    golden.expect(
        "sample",
        rows(t, i -> t[i] == 0 ? reverse.apply(i).mean() : reverse.apply(i).sample(row(noise, i))),
        proof);
  }

  private static Ddpm.Variance variance(String name) {
    return switch (name) {
      case "fixed_small" -> Ddpm.Variance.SMALL;
      case "fixed_large" -> Ddpm.Variance.LARGE;
      case "learned" -> Ddpm.Variance.LEARNED;
      case "learned_range" -> Ddpm.Variance.LEARNED_RANGE;
      default -> throw new IllegalArgumentException(name);
    };
  }

  @Claim("parity")
  @GoldenCases("diffusion/prediction-types")
  void conversions_equal_the_reference(GoldenCase golden, Proof proof) {
    NoiseLevel level = schedule(golden.params()).level(golden.integer("t"));
    Tensor x0 = golden.tensor("x0");
    Tensor noise = golden.tensor("noise");
    golden.expect("x_t", level.noised(x0, noise), proof);
    golden.expect("v", Prediction.VELOCITY.of(x0, noise, level), proof);
    Tensor x = golden.tensor("sample");
    Tensor output = golden.tensor("model_output");
    for (String name : List.of("epsilon", "sample", "v_prediction")) {
      Tensor image = prediction(name).x0(output, x, level);
      Tensor epsilon = prediction(name).epsilon(output, x, level);
      golden.expect("x0_from_" + name, image, proof);
      golden.expect("eps_from_" + name, epsilon, proof);
      golden.expect("v_from_" + name, Prediction.VELOCITY.of(image, epsilon, level), proof);
    }
  }

  @Claim("parity")
  @GoldenCases("diffusion/thresholding")
  void thresholds_equal_the_reference(GoldenCase golden, Proof proof) {
    Tensor x0 = golden.tensor("x0");
    if (golden.text("kind").equals("static")) {
      golden.expect("x0", new Clipping.Static(golden.number("range")).apply(x0), proof);
    } else {
      var clipping =
          new Clipping.Dynamic(golden.number("ratio"), golden.number("sample_max_value"));
      golden.expect("x0", clipping.apply(x0), proof);
      golden.expect("s", clipping.thresholds(x0), proof);
    }
  }

  @Claim("parity")
  @GoldenCases("diffusion/ddpm-losses")
  void losses_equal_the_reference(GoldenCase golden, Proof proof) {
    int[] t = ints(golden.params().get("t"));
    String type = golden.text("mean_type");
    Ddpm ddpm = new Ddpm(schedule(golden.params())).withVariance(variance(golden.text("var_type")));
    if (!type.equals("previous_x")) ddpm = ddpm.withPrediction(prediction(type));
    DdpmLoss losses = new DdpmLoss(ddpm);
    NoiseSchedule schedule = ddpm.schedule();
    Tensor x0 = golden.tensor("x0");
    Tensor noise = golden.tensor("noise");
    Tensor output = golden.tensor("model_output");
    int n = t.length;
    double[] mse = new double[n];
    double[] bound = new double[n];
    double[] loss = new double[n];
    String kind = golden.text("loss_type");
    boolean learned = golden.text("var_type").startsWith("learned");
    double boundWeight = kind.startsWith("rescaled") ? schedule.steps() / 1000.0 : 1;
    for (int i = 0; i < n; i++) {
      NoiseLevel level = schedule.level(t[i]);
      Tensor image = row(x0, i);
      Tensor x = level.noised(image, row(noise, i));
      Tensor target =
          type.equals("previous_x")
              ? ddpm.posterior(t[i]).mean(image, x)
              : ddpm.prediction().of(image, row(noise, i), level);
      Tensor predicted = learned ? row(output, i).slice(1, 0, x.size(1)) : row(output, i);
      mse[i] = losses.squaredError(predicted, target).item();
      if (kind.endsWith("kl")) {
        bound[i] = losses.bound(row(output, i), image, x, t[i]).item();
        loss[i] = kind.startsWith("rescaled") ? bound[i] * schedule.steps() : bound[i];
      } else if (learned) {
        bound[i] = boundWeight * losses.bound(row(output, i), image, x, t[i]).item();
        loss[i] = losses.hybrid(row(output, i), target, image, x, t[i], boundWeight).item();
      } else {
        loss[i] = mse[i];
      }
    }
    golden.expect("loss", loss, proof);
    if (golden.expected().has("mse")) golden.expect("mse", mse, proof);
    if (golden.expected().has("vb")) golden.expect("vb", bound, proof);
    golden.expect("prior_bpd", losses.prior(x0).toArray(), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/scheduler-ddpm")
  void every_step_equals_the_reference(GoldenCase golden, Proof proof) {
    JsonNode config = golden.params().get("config");
    int steps = golden.integer("num_inference_steps");
    Ddpm ddpm =
        new Ddpm(schedule(config))
            .withPrediction(prediction(config))
            .withSpacing(spacing(config))
            .withClipping(clipping(config))
            .withVariance(variance(config.path("variance_type").asString("fixed_small")));
    Tensor noise = golden.tensor("noise");
    Mixture mixture = Mixture.of(golden.params().get("mixture"));
    Denoiser network = mixture.denoiser(ddpm.schedule(), ddpm.prediction());
    Tensor outputs = golden.tensor("model_outputs");
    Scheduler.Run run = ddpm.start(steps);
    NoiseSource draws = replay(split(noise));
    double[] timesteps = new double[steps];
    Tensor[] samples = new Tensor[steps];
    Tensor x = golden.tensor("sample");
    for (int i = 0; i < steps; i++) {
      timesteps[i] = run.timestep();
      Tensor output = outputs.select(0, i);
      proof.atMost(
          "gap of the network",
          relativeGap(network.predict(x, timesteps[i]).toArray(), output.toArray()),
          1e-6);
      samples[i] = x = run.step(output, x, draws);
    }
    golden.expect("timesteps", timesteps, proof);
    golden.expect("samples", Tensor.stack(0, samples), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Ddpm ddpm = new Ddpm(SCHEDULE);
    NoiseSource noise = NoiseSource.gaussian(random(1));
    Refusal.of(() -> ddpm.start(0), "steps", "0");
    Refusal.of(() -> ddpm.start(1001), "steps", "1001", "1000");
    Tensor x = Tensor.ones(1, 4);
    Refusal.of(
        () -> ddpm.start(5).step(Tensor.full(Double.NaN, 1, 4), x, noise),
        "model output",
        "NaN",
        "800");
    Refusal.of(() -> ddpm.start(5).step(Tensor.ones(1, 3), x, noise), "[1, 3]", "[1, 4]");
    Scheduler.Run run = ddpm.start(5);
    run.step(x, x, noise);
    Refusal.of(
        () -> run.step(Tensor.ones(2, 4), Tensor.ones(2, 4), noise), "x", "[1, 4]", "[2, 4]");
    Refusal.of(() -> ddpm.start(2).step(x, x, NoiseSource.none()), "noise");
    Refusal.of(
        () -> ddpm.withVariance(Ddpm.Variance.LEARNED).start(2).step(x, x, noise), "channels");
    Refusal.of(() -> new Clipping.Static(-1), "range", "-1");
    Refusal.of(() -> new Clipping.Dynamic(1.5, 2), "ratio", "1.5");
    Refusal.of(() -> new Clipping.Dynamic(0.9, 0.5), "maximum", "0.5");
    Refusal.of(() -> Posterior.of(0.9, 0.5), "alphaBar", "0.9", "0.5");
    NoiseSchedule zero = SCHEDULE.zeroTerminalSnr();
    Refusal.of(
        () -> new Ddpm(zero).withSpacing(new TimestepSpacing.Trailing()).start(4).step(x, x, noise),
        "x0",
        "epsilon");
    Scheduler.Run done = ddpm.start(1);
    done.step(x, x, noise);
    assertThatThrownBy(() -> done.step(x, x, noise)).isInstanceOf(IllegalStateException.class);
  }

  static NoiseSource replay(Tensor... draws) {
    int[] next = {0};
    return shape -> draws[next[0]++].reshape(shape);
  }

  static Tensor[] split(Tensor rows) {
    return IntStream.range(0, rows.size(0)).mapToObj(i -> rows.select(0, i)).toArray(Tensor[]::new);
  }

  private static Tensor row(Tensor batch, int i) {
    return batch.slice(0, i, i + 1);
  }

  private static Tensor rows(int[] t, IntFunction<Tensor> row) {
    return Tensor.concat(0, IntStream.range(0, t.length).mapToObj(row).toArray(Tensor[]::new));
  }

  private static int[] ints(JsonNode list) {
    return list.valueStream().mapToInt(JsonNode::asInt).toArray();
  }
}
