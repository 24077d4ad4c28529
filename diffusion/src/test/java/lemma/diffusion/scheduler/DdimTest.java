package lemma.diffusion.scheduler;

import static lemma.diffusion.GoldenSchedules.clipping;
import static lemma.diffusion.GoldenSchedules.prediction;
import static lemma.diffusion.GoldenSchedules.schedule;
import static lemma.diffusion.GoldenSchedules.spacing;
import static lemma.diffusion.scheduler.DdpmTest.replay;
import static lemma.diffusion.scheduler.DdpmTest.split;
import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.floats;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.diffusion.Mixture;
import lemma.diffusion.schedule.BetaSchedule;
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
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import tools.jackson.databind.JsonNode;

@Proves("ddim")
class DdimTest {
  private static final NoiseSchedule SCHEDULE = NoiseSchedule.ddpm();
  private static final Mixture MIXTURE = Mixture.example();
  private static final Denoiser IDEAL = MIXTURE.denoiser(SCHEDULE, Prediction.EPSILON);
  private static final Tensor ZERO = Tensor.scalar(0);
  private static final Tensor ONE = Tensor.scalar(1);

  /// From timestep to less noisy timestep.
  private static final int[][] STRIDES = {{999, 900}, {999, 0}, {500, 499}, {500, 20}, {1, 0}};

  @Claim("deterministic")
  @Test
  void without_eta_nothing_is_drawn_and_with_eta_the_image_depends_on_the_draws(Proof proof) {
    Tensor start = Tensor.gaussian(random(1), 5, 4);
    var sampler = new Sampler(new Ddim(SCHEDULE), 20);
    Tensor image = sampler.run(IDEAL, start, NoiseSource.none(), Sampler.Observer.none());
    Tensor again =
        sampler.run(IDEAL, start, NoiseSource.gaussian(random(2)), Sampler.Observer.none());
    assertThat(again.toArray()).isEqualTo(image.toArray());
    for (double eta : new double[] {0.1, 0.5, 1}) {
      var stochastic = new Sampler(new Ddim(SCHEDULE).withEta(eta), 20);
      Tensor one =
          stochastic.run(IDEAL, start, NoiseSource.gaussian(random(2)), Sampler.Observer.none());
      Tensor other =
          stochastic.run(IDEAL, start, NoiseSource.gaussian(random(3)), Sampler.Observer.none());
      proof.atLeast("change with the draws", gap(one.toArray(), other.toArray()), 0.01);
      Refusal.of(
          () -> stochastic.run(IDEAL, start, NoiseSource.none(), Sampler.Observer.none()), "noise");
    }
  }

  @Claim("variance")
  @Test
  void a_step_with_eta_one_is_the_step_of_ddpm(Proof proof) {
    RandomGenerator random = random(4);
    Ddim ddim = new Ddim(SCHEDULE).withEta(1);
    for (int[] stride : STRIDES) {
      int t = stride[0];
      int s = stride[1];
      Posterior posterior = Posterior.of(SCHEDULE.alphaBar(t), SCHEDULE.alphaBar(s));
      proof.atMost(
          "relative gap of σ²",
          Math.abs(ddim.sigma(t, s) * ddim.sigma(t, s) / posterior.variance() - 1),
          1e-10);
      Tensor x = Tensor.gaussian(random, 3, 4);
      Tensor output = Tensor.gaussian(random, 3, 4);
      Tensor noise = Tensor.gaussian(random, 3, 4);
      Ddpm ddpm = new Ddpm(SCHEDULE.respaced(s, t));
      proof.atMost(
          "gap of the next states",
          relativeGap(
              ddim.step(output, x, t, s, replay(noise)).toArray(),
              ddpm.reverse(output, x, 1).sample(noise).toArray()),
          1e-10);
    }
  }

  @Claim("marginals")
  @Test
  void every_eta_keeps_the_marginals_of_the_forward_process(Proof proof) {
    for (double eta : new double[] {0, 0.3, 0.7, 1})
      for (int[] stride : STRIDES) {
        int t = stride[0];
        int s = stride[1];
        Ddim ddim = new Ddim(SCHEDULE).withEta(eta);
        double ofImage = next(ddim, 1, 0, t, s);
        double ofNoise = next(ddim, 0, 1, t, s);
        double sigma = ddim.sigma(t, s);
        proof.atMost("gap of the means", Math.abs(ofImage - SCHEDULE.signal(s)), 1e-12);
        proof.atMost(
            "gap of the variances",
            Math.abs(ofNoise * ofNoise + sigma * sigma - (1 - SCHEDULE.alphaBar(s))),
            1e-12);
      }
  }

  @Claim("chain")
  @Test
  void the_forward_process_behind_it_is_a_markov_chain_at_eta_one_only(Proof proof) {
    // The mean of xₜ given both xₛ and x₀. In a chain x₀ would tell nothing beyond xₛ.
    for (int[] stride : new int[][] {{999, 900}, {500, 499}, {500, 20}}) {
      int t = stride[0];
      int s = stride[1];
      double variance = 1 - SCHEDULE.alphaBar(s);
      for (double eta : new double[] {0, 0.5, 0.9, 1}) {
        Ddim ddim = new Ddim(SCHEDULE).withEta(eta);
        double shared = next(ddim, 0, 1, t, s) * SCHEDULE.noise(t); // covariance of xₜ and xₛ
        double ofImage = SCHEDULE.signal(t) - shared / variance * SCHEDULE.signal(s);
        if (eta == 1) proof.atMost("weight of x₀ at η = 1", Math.abs(ofImage), 1e-10);
        else proof.atLeast("weight of x₀ at η < 1", Math.abs(ofImage), 1e-4);
      }
    }
  }

  /// The state at s, without fresh noise, of an image x₀ that was noised with ε to t, if the network
  /// finds that ε.
  private static double next(Ddim ddim, double x0, double epsilon, int t, int s) {
    Tensor noise = Tensor.scalar(epsilon);
    Tensor x = SCHEDULE.level(t).noised(Tensor.scalar(x0), noise);
    return ddim.step(noise, x, t, s, Tensor::zeros).item();
  }

  @Claim("few-steps")
  @Test
  void with_few_steps_it_keeps_more_of_the_spread_of_the_data_than_ddpm(Proof proof) {
    // Data N(0, v): every step is linear, so the variance of the samples follows exactly.
    for (double v : new double[] {0.25, 0.5, 2})
      for (int steps : new int[] {10, 20, 50}) {
        double ddim = Math.abs(sampledVariance(0, v, steps) / v - 1);
        double ddpm = Math.abs(sampledVariance(1, v, steps) / v - 1);
        if (v == 0.25 && steps == 20) {
          proof.measured("error of the variance, 20 steps, η = 0", ddim);
          proof.measured("error of the variance, 20 steps, η = 1", ddpm);
        }
        proof.atMost("error of η = 0 relative to η = 1", ddim / ddpm, 0.9);
      }
  }

  private static double sampledVariance(double eta, double v, int steps) {
    Ddim ddim = new Ddim(SCHEDULE).withEta(eta);
    int[] timesteps = ddim.spacing().timesteps(steps, 1000);
    double variance = 1;
    for (int i = 0; i < steps; i++) {
      int t = timesteps[i];
      int s = i + 1 < steps ? timesteps[i + 1] : -1;
      double ideal =
          SCHEDULE.noise(t) / (SCHEDULE.alphaBar(t) * v + 1 - SCHEDULE.alphaBar(t)); // ε̂ of x = 1
      double factor = ddim.step(Tensor.scalar(ideal), ONE, t, s, Tensor::zeros).item();
      double sigma = ddim.sigma(t, s);
      variance = factor * factor * variance + sigma * sigma;
    }
    return variance;
  }

  @Claim("inversion")
  @Test
  void inverting_and_sampling_returns_the_image_better_with_more_steps(Proof proof) {
    Tensor image = MIXTURE.sample(50, random(5));
    double previous = Double.POSITIVE_INFINITY;
    for (int steps : new int[] {10, 50, 250, 1000}) {
      Ddim ddim = new Ddim(SCHEDULE);
      Tensor latent =
          new Sampler(new DdimInverse(ddim), steps)
              .run(IDEAL, image, NoiseSource.none(), Sampler.Observer.none());
      Tensor back =
          new Sampler(ddim, steps).run(IDEAL, latent, NoiseSource.none(), Sampler.Observer.none());
      double error = Math.sqrt(back.sub(image).square().mean().item());
      proof.measured("root mean square error, %d steps".formatted(steps), error);
      assertThat(error).isLessThan(previous / 2);
      previous = error;
    }
    proof.atMost("root mean square error, 1000 steps", previous, 0.01);
  }

  @Claim("interpolation")
  @Test
  void slerp_keeps_the_length_of_noise_and_the_straight_line_does_not(Proof proof) {
    RandomGenerator random = random(6);
    int d = 16384;
    for (int trial = 0; trial < 20; trial++) {
      Tensor a = Tensor.gaussian(random, d);
      Tensor b = Tensor.gaussian(random, d);
      double slerp = norm(Slerp.of(a, b, 0.5)) / Math.sqrt(d);
      double line = norm(a.add(b).mul(0.5)) / Math.sqrt(d);
      proof.atMost("|slerp| / √d − 1", Math.abs(slerp - 1), 0.03); // five deviations
      proof.atMost("|line| / √d", line, 0.73);
    }
    Tensor same = Tensor.gaussian(random, 5);
    proof.atMost("between equals", gap(Slerp.of(same, same, 0.3).toArray(), same.toArray()), 1e-15);
  }

  private static double norm(Tensor x) {
    return Math.sqrt(x.square().sum().item());
  }

  @Claim("runs")
  @Test
  void runs_of_one_scheduler_do_not_disturb_one_another() {
    Ddim ddim = new Ddim(SCHEDULE);
    Tensor[] starts = split(Tensor.gaussian(random(8), 2, 3, 4));
    double[][] alone = new double[2][];
    for (int i = 0; i < 2; i++)
      alone[i] =
          new Sampler(ddim, 10)
              .run(IDEAL, starts[i], NoiseSource.none(), Sampler.Observer.none())
              .toArray();
    Scheduler.Run[] runs = {ddim.start(10), ddim.start(10)};
    while (!runs[1].done())
      for (int i = 0; i < 2; i++)
        starts[i] =
            runs[i].step(
                IDEAL.predict(starts[i], runs[i].timestep()), starts[i], NoiseSource.none());
    for (int i = 0; i < 2; i++) assertThat(starts[i].toArray()).isEqualTo(alone[i]);
  }

  @Claim("agreement")
  @Test
  void weights_kernels_and_nd4j_take_the_step_of_the_formula(Proof proof) {
    RandomGenerator random = random(7);
    var kernels = List.of(new DdimKernel.Scalar(), new DdimKernel.Vectorised());
    for (Prediction prediction : Prediction.values())
      for (double eta : new double[] {0, 0.6, 1})
        for (int n : new int[] {1, 7, 8, 15, 16, 17, 100, 1023}) {
          Ddim ddim = new Ddim(SCHEDULE).withPrediction(prediction).withEta(eta);
          float[] x = floats(gaussian(n, random));
          float[] output = floats(gaussian(n, random));
          float[] noise = floats(gaussian(n, random));
          double[] expected =
              ddim.step(
                      Tensor.vector(doubles(output)),
                      Tensor.vector(doubles(x)),
                      600,
                      500,
                      replay(Tensor.vector(doubles(noise))))
                  .toArray();
          Ddim.Weights weights = ddim.weights(600, 500);
          for (DdimKernel kernel : kernels) {
            float[] y = new float[n];
            kernel.step(x, output, noise, weights, y);
            // three products and two sums, rounded to 6e-8 each, of terms up to ten times the sum
            proof.atMost("max |Δ|", relativeGap(doubles(y), expected), 4e-6);
            if (eta == 0) {
              kernel.step(x, output, weights, y);
              proof.atMost("max |Δ|", relativeGap(doubles(y), expected), 4e-6);
              float[] inPlace = x.clone();
              kernel.step(inPlace, output, weights, inPlace);
              assertThat(inPlace).isEqualTo(y);
            }
          }
          if (eta == 0 && prediction == Prediction.EPSILON)
            try (INDArray wide = Nd4j.createFromArray(x);
                INDArray epsilon = Nd4j.createFromArray(output);
                INDArray y =
                    new DdimNd4j(SCHEDULE.alphaBar(600), SCHEDULE.alphaBar(500))
                        .step(wide, epsilon)) {
              proof.atMost("max |Δ|", relativeGap(y.data().asDouble(), expected), 4e-6);
            }
        }
  }

  @Claim("parity")
  @GoldenCases("diffusion/scheduler-ddim")
  void every_step_equals_diffusers(GoldenCase golden, Proof proof) {
    JsonNode config = golden.params().get("config");
    JsonNode call = golden.params().path("step");
    int steps = golden.integer("num_inference_steps");
    Ddim ddim =
        configured(config)
            .withEta(call.path("eta").asDouble(0))
            .withClipping(
                clipping(config),
                call.path("use_clipped_model_output").asBoolean(false)
                    ? Ddim.Direction.CLIPPED
                    : Ddim.Direction.PREDICTED);
    Denoiser network =
        Mixture.of(golden.params().get("mixture")).denoiser(ddim.schedule(), ddim.prediction());
    Tensor outputs = golden.tensor("model_outputs");
    Tensor[] draws = ddim.eta() > 0 ? split(golden.tensor("noise")) : new Tensor[0];
    NoiseSource noise = replay(draws);
    NoiseSource runNoise = replay(draws);
    Scheduler.Run run = ddim.start(steps);
    int[] timesteps = ddim.spacing().timesteps(steps, ddim.schedule().steps());
    Tensor[] samples = new Tensor[steps];
    Tensor[] images = new Tensor[steps];
    Tensor x = golden.tensor("sample");
    for (int i = 0; i < steps; i++) {
      int t = timesteps[i];
      Tensor output = outputs.select(0, i);
      proof.atMost(
          "gap of the network",
          relativeGap(network.predict(x, t).toArray(), output.toArray()),
          1e-6);
      images[i] = ddim.x0(output, x, t);
      // the reference strides by ⌊T / steps⌋ whatever its spacing
      int stride = t - ddim.schedule().steps() / steps;
      int s = stride < 0 ? ddim.end().timestep : stride;
      int ours = i + 1 < steps ? timesteps[i + 1] : ddim.end().timestep;
      samples[i] = ddim.step(output, x, t, s, noise);
      Tensor ofRun = run.step(output, x, runNoise);
      if (ours == s) assertThat(ofRun.toArray()).isEqualTo(samples[i].toArray());
      x = samples[i];
    }
    golden.expect("timesteps", Arrays.stream(timesteps).asDoubleStream().toArray(), proof);
    golden.expect("samples", Tensor.stack(0, samples), proof);
    golden.expect("pred_original", Tensor.stack(0, images), proof);
  }

  private static Ddim configured(JsonNode config) {
    return new Ddim(schedule(config))
        .withPrediction(prediction(config))
        .withSpacing(spacing(config))
        .withEnd(
            config.path("set_alpha_to_one").asBoolean(true)
                ? Ddim.End.CLEAN
                : Ddim.End.FIRST_TIMESTEP);
  }

  @Claim("parity")
  @GoldenCases("diffusion/scheduler-ddim-inverse")
  void every_inverse_step_equals_diffusers(GoldenCase golden, Proof proof) {
    JsonNode config = golden.params().get("config");
    int steps = golden.integer("num_inference_steps");
    Ddim ddim = configured(config).withClipping(clipping(config), Ddim.Direction.PREDICTED);
    Scheduler.Run run = new DdimInverse(ddim).start(steps);
    Tensor outputs = golden.tensor("model_outputs");
    double[] timesteps = new double[steps];
    Tensor[] samples = new Tensor[steps];
    Tensor[] images = new Tensor[steps];
    Tensor x = golden.tensor("sample");
    for (int i = 0; i < steps; i++) {
      timesteps[i] = run.timestep();
      int from = i == 0 ? ddim.end().timestep : (int) timesteps[i - 1];
      images[i] = ddim.x0(outputs.select(0, i), x, from);
      samples[i] = x = run.step(outputs.select(0, i), x, NoiseSource.none());
    }
    golden.expect("timesteps", timesteps, proof);
    golden.expect("samples", Tensor.stack(0, samples), proof);
    golden.expect("pred_original", Tensor.stack(0, images), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/ddim-original")
  void the_published_code_takes_the_same_steps(GoldenCase golden, Proof proof) {
    NoiseSchedule schedule = NoiseSchedule.of(new BetaSchedule.Linear(1e-4, 0.02), 1000);
    int[] seq = golden.params().get("seq").valueStream().mapToInt(JsonNode::asInt).toArray();
    Denoiser network =
        Mixture.of(golden.params().get("mixture")).denoiser(schedule, Prediction.EPSILON);
    NoiseSource noise = replay(split(golden.tensor("noise")));
    int steps = seq.length;
    Tensor[] states = new Tensor[steps + 1];
    Tensor[] images = new Tensor[steps];
    Tensor x = states[0] = golden.tensor("x");
    for (int i = 0; i < steps; i++) {
      int index = steps - 1 - i;
      int t = seq[index];
      Tensor output = network.predict(x, t);
      if (golden.text("kind").equals("generalized")) {
        Ddim ddim = new Ddim(schedule).withEta(golden.number("eta"));
        images[i] = ddim.x0(output, x, t);
        x = ddim.step(output, x, t, index == 0 ? -1 : seq[index - 1], noise);
      } else {
        Ddpm.Reverse reverse =
            new Ddpm(schedule.respaced(seq))
                .withClipping(new Clipping.Static(1))
                .withVariance(Ddpm.Variance.LARGE)
                .reverse(output, x, index);
        images[i] = reverse.x0();
        x = index == 0 ? reverse.mean() : reverse.sample(noise.draw(x.shape()));
      }
      states[i + 1] = x;
    }
    golden.expect("states", Tensor.stack(0, states), proof);
    golden.expect("pred_x0", Tensor.stack(0, images), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/slerp")
  void interpolation_equals_the_derived_numbers(GoldenCase golden, Proof proof) {
    Tensor x0 = golden.tensor("x0");
    Tensor x1 = golden.tensor("x1");
    Tensor[] y =
        golden
            .params()
            .get("alphas")
            .valueStream()
            .map(a -> Slerp.of(x0, x1, a.asDouble()))
            .toArray(Tensor[]::new);
    golden.expect("y", Tensor.stack(0, y), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Ddim ddim = new Ddim(SCHEDULE);
    Refusal.of(() -> ddim.withEta(-0.1), "eta", "-0.1");
    Refusal.of(() -> ddim.withEta(Double.NaN), "eta", "NaN");
    Refusal.of(() -> ddim.start(0), "steps", "0");
    Refusal.of(() -> ddim.start(2000), "steps", "2000");
    Refusal.of(() -> new DdimInverse(ddim.withEta(0.5)), "eta", "0.5");
    Refusal.of(() -> ddim.withEta(1).step(ONE, ONE, 10, 20, Tensor::zeros), "eta", "10", "20");
    Refusal.of(() -> ddim.step(ONE, ONE, 1000, 20, Tensor::zeros), "timestep", "1000");
    Refusal.of(() -> ddim.step(Tensor.ones(2), Tensor.ones(3), 9, 2, Tensor::zeros), "[2]", "[3]");
    Tensor bad = Tensor.of(new double[] {1, Double.NEGATIVE_INFINITY}, 2);
    Refusal.of(
        () -> ddim.start(4).step(bad, Tensor.ones(2), NoiseSource.none()), "output", "Infinity");
    Refusal.of(
        () -> ddim.withClipping(new Clipping.Static(1), Ddim.Direction.PREDICTED).weights(20, 10),
        "linear");
    Refusal.of(
        () ->
            new DdimInverse(ddim.withPrediction(Prediction.SAMPLE))
                .start(4)
                .step(ONE, ZERO, NoiseSource.none()),
        "epsilon",
        "x0");
    Refusal.of(() -> new TimestepSpacing.Leading(-1), "offset", "-1");
    Refusal.of(() -> Slerp.of(Tensor.ones(2), Tensor.ones(3), 0.5), "[2]", "[3]");
    float[] two = new float[2];
    for (DdimKernel kernel : List.of(new DdimKernel.Scalar(), new DdimKernel.Vectorised())) {
      Refusal.of(() -> kernel.step(two, new float[3], ddim.weights(9, 2), two), "length", "3");
      Refusal.of(() -> kernel.step(two, two, ddim.withEta(1).weights(9, 2), two), "noise");
    }
  }
}
