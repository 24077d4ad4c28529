package lemma.diffusion.scheduler;

import static lemma.diffusion.scheduler.DdpmTest.replay;
import static lemma.diffusion.scheduler.DdpmTest.split;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import lemma.core.tensor.Tensor;
import lemma.diffusion.Mixture;
import lemma.diffusion.schedule.NoiseSchedule;
import lemma.diffusion.schedule.Prediction;
import lemma.diffusion.schedule.SigmaPath;
import lemma.diffusion.schedule.SigmaSpacing;
import lemma.diffusion.schedule.TimestepSpacing;
import lemma.diffusion.score.GaussianMixture;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

@Proves("high-order-solvers")
class HighOrderSolversTest {
  private static final NoiseSchedule SCHEDULE = NoiseSchedule.stableDiffusion();
  private static final SigmaPath PATH = new SigmaPath(SCHEDULE);
  private static final GaussianMixture LINE =
      new GaussianMixture(
          new double[] {0.4, 0.6}, new double[][] {{-1}, {2}}, new double[] {0.2, 0.5});
  private static final double[] STARTS = {-14, -6, -1, 0.5, 3, 9, 17};
  private static final List<SigmaSolver> DETERMINISTIC =
      List.of(
          new Euler(),
          new Heun(),
          new Dpm2(),
          new LinearMultistep(),
          new DpmSolver(2),
          new DpmSolver(3),
          new UniPc(2),
          new UniPc(3),
          new DpmSolverSingleStep(2),
          new DpmSolverSingleStep(3));

  private static DpmSolver full(int order) {
    return new DpmSolver(order).withFinal(false, false);
  }

  private static UniPc fullUniPc(int order) {
    return new UniPc(DpmSolver.Target.DATA, order, UniPc.Scale.EXPONENTIAL, false);
  }

  @Claim("order")
  @Test
  void the_error_falls_with_the_power_of_the_stride_that_the_order_promises(Proof proof) {
    Map<String, SigmaSolver> first = Map.of("Euler", new Euler(), "DPM-Solver++ 1", full(1));
    Map<String, SigmaSolver> second =
        Map.of(
            "Heun",
            new Heun(),
            "DPM2",
            new Dpm2(),
            "DPM-Solver++ 2M",
            full(2),
            "DPM-Solver++ 2S",
            new DpmSolverSingleStep(2),
            "DPM-Solver-2",
            full(2).withTarget(DpmSolver.Target.NOISE),
            "LMS 2",
            new LinearMultistep(2),
            "UniPC 1",
            fullUniPc(1));
    Map<String, SigmaSolver> third =
        Map.of(
            "DPM-Solver++ 3S",
            new DpmSolverSingleStep(
                DpmSolver.Target.DATA, 3, DpmSolver.Correction.HEUN, 0, 1, false),
            "DPM-Solver++ 3, full curvature",
            full(3).withCurvature(DpmSolver.Curvature.FULL),
            "DPM-Solver-3, full curvature",
            full(3).withCurvature(DpmSolver.Curvature.FULL).withTarget(DpmSolver.Target.NOISE),
            "LMS 3",
            new LinearMultistep(3),
            "UniPC 2",
            fullUniPc(2));
    Map<String, SigmaSolver> fourth =
        Map.of("LMS 4", new LinearMultistep(4), "UniPC 3", fullUniPc(3));
    expectOrder(first, 1, proof);
    expectOrder(second, 2, proof);
    expectOrder(third, 3, proof);
    expectOrder(fourth, 4, proof);
  }

  private static void expectOrder(Map<String, SigmaSolver> solvers, int order, Proof proof) {
    solvers.forEach((name, solver) -> {
      double coarse = error(solver, ramped(120));
      double fine = error(solver, ramped(240));
      double measured = Math.log(coarse / fine) / Math.log(2);
      proof.measured("order of " + name, measured);
      assertThat(measured).as(name).isBetween(order - 0.3, order + 0.5);
    });
  }

  @Claim("third-order")
  @Test
  void the_published_third_order_of_dpm_solver_is_two_for_want_of_a_factor(Proof proof) {
    for (DpmSolver.Target target : DpmSolver.Target.values()) {
      SigmaSolver half = full(3).withTarget(target);
      double measured = Math.log(error(half, ramped(120)) / error(half, ramped(240))) / Math.log(2);
      proof.measured("order with half the curvature, of " + target, measured);
      assertThat(measured).isBetween(1.7, 2.4);
      SigmaSolver whole = full(3).withTarget(target).withCurvature(DpmSolver.Curvature.FULL);
      proof.atMost(
          "error of the full curvature relative to half, 240 strides",
          error(whole, ramped(240)) / error(half, ramped(240)),
          0.3);
    }
  }

  @Claim("warm-up")
  @Test
  void in_even_strides_the_first_stride_caps_a_multistep_solver_at_order_two(Proof proof) {
    SigmaSolver third = full(3).withCurvature(DpmSolver.Curvature.FULL);
    for (SigmaSolver solver : List.of(third, new LinearMultistep(4))) {
      double coarse = error(solver, even(400));
      double fine = error(solver, even(800));
      double measured = Math.log(coarse / fine) / Math.log(2);
      String name = solver instanceof DpmSolver ? "DPM-Solver++ 3" : "LMS 4";
      proof.measured("order of " + name, measured);
      assertThat(measured).as(name).isBetween(1.7, 2.4);
    }
  }

  private static double[] even(int strides) {
    return new SigmaSpacing.Exponential().levels(new double[strides + 1], 10, 0.1);
  }

  /// Even strides in log σ from 10 to 0.1, the first of them in sixteen parts, each twice the one
  /// before: a multistep solver takes its first stride with order 1, here so short that it does not
  /// matter.
  private static double[] ramped(int strides) {
    double[] even = even(strides);
    int parts = 16;
    double[] sigmas = new double[strides + parts];
    sigmas[0] = even[0];
    for (int part = 1; part <= parts; part++) {
      double share = Math.pow(2, part - parts);
      sigmas[part] = even[0] * Math.pow(even[1] / even[0], share);
    }
    System.arraycopy(even, 2, sigmas, parts + 1, strides - 1);
    return sigmas;
  }

  /// The largest error against the exact flow.
  private static double error(SigmaSolver solver, double[] sigmas) {
    double[] exact = new double[STARTS.length];
    Arrays.setAll(exact, i -> LINE.flow(STARTS[i], sigmas[0], sigmas[sigmas.length - 1]));
    Tensor y = Tensor.of(STARTS, STARTS.length, 1);
    return gap(walk(solver, sigmas, y, LINE, NoiseSource.none()).toArray(), exact);
  }

  private static Tensor walk(
      SigmaSolver solver, double[] sigmas, Tensor y, GaussianMixture mixture, NoiseSource noise) {
    SigmaSolver.Walk walk = solver.start(sigmas);
    Tensor state = y;
    while (!walk.done()) state = walk.step(state, (at, sigma) -> mixture.x0(at, 1, sigma), noise);
    return state;
  }

  private static int calls(SigmaSolver solver, int strides) {
    return solver instanceof Heun || solver instanceof Dpm2 ? 2 * strides : strides;
  }

  @Claim("budget")
  @Test
  void with_the_same_number_of_calls_a_higher_order_is_closer(Proof proof) {
    double euler = budgeted(new Euler(), 20);
    double heun = budgeted(new Heun(), 20);
    double multistep = budgeted(full(2), 20);
    double unipc = budgeted(fullUniPc(2), 20);
    proof.measured("error of Euler, 20 calls", euler);
    proof.measured("error of Heun, 20 calls", heun);
    proof.measured("error of DPM-Solver++ 2M, 20 calls", multistep);
    proof.measured("error of UniPC 2, 20 calls", unipc);
    proof.atMost("error of Heun relative to Euler", heun / euler, 1);
    proof.atMost("error of 2M relative to Heun", multistep / heun, 1);
    proof.atMost("error of UniPC 2 relative to 2M", unipc / multistep, 1);
  }

  private static double budgeted(SigmaSolver solver, int calls) {
    int strides = calls / calls(solver, 1);
    return error(solver, new SigmaSpacing.Karras().levels(new double[strides + 1], 14.6, 0.03));
  }

  @Claim("first-order")
  @Test
  void first_order_solvers_are_ddim(Proof proof) {
    SigmaPath path = PATH.withTimesteps(new TimestepSpacing.Trailing());
    Mixture mixture = Mixture.example();
    Tensor start = Tensor.gaussian(random(1), 5, 4);
    Tensor[] draws = split(Tensor.gaussian(random(2), 20, 5, 4));
    Map<SigmaSolver, Double> solvers =
        Map.of(
            new Euler(),
            0.0,
            new DpmSolver(1),
            0.0,
            new EulerAncestral(0.5, 1),
            0.5,
            new EulerAncestral(),
            1.0,
            new DpmSolver(1).withNoise(1, 1),
            1.0);
    for (Prediction prediction : Prediction.values())
      solvers.forEach((solver, eta) -> {
        Ddim ddim =
            new Ddim(SCHEDULE)
                .withSpacing(new TimestepSpacing.Trailing())
                .withPrediction(prediction)
                .withEta(eta);
        SigmaScheduler scheduler = new SigmaScheduler(path, solver).withPrediction(prediction);
        Denoiser network = mixture.denoiser(SCHEDULE, prediction);
        proof.atMost(
            "gap to DDIM after 20 steps",
            gap(
                sampled(scheduler, network, start, draws).toArray(),
                sampled(ddim, network, start, draws).toArray()),
            1e-9); // the square roots of 1 − ᾱ lose digits at the clean end
      });
  }

  private static Tensor sampled(
      Scheduler scheduler, Denoiser network, Tensor start, Tensor... draws) {
    return new Sampler(scheduler, 20).run(network, start, replay(draws), Sampler.Observer.none());
  }

  @Claim("states")
  @Test
  void both_states_draw_the_same_image(Proof proof) {
    Mixture mixture = Mixture.example();
    SigmaPath path = PATH.withTimesteps(new TimestepSpacing.Trailing());
    Denoiser network = mixture.denoiser(SCHEDULE, Prediction.EPSILON);
    for (SigmaSolver solver : DETERMINISTIC) {
      if (solver instanceof Dpm2) continue; // asks between timesteps, the test's network cannot
      SigmaScheduler preserving = new SigmaScheduler(path, solver);
      SigmaScheduler exploding = preserving.withState(SigmaScheduler.State.VARIANCE_EXPLODING);
      Tensor x = Tensor.gaussian(random(3), 5, 4);
      double growth = Math.sqrt(1 + path.sigma(999) * path.sigma(999));
      proof.atMost(
          "gap of the images",
          gap(
              sampled(preserving, network, x).toArray(),
              sampled(exploding, network, x.mul(growth)).toArray()),
          1e-9);
    }
  }

  @Claim("ancestral")
  @Test
  void an_ancestral_stride_ends_at_the_next_noise_level_for_every_eta(Proof proof) {
    for (double eta : new double[] {0, 0.3, 1})
      for (double[] stride : new double[][] {{14, 9}, {2, 0.1}, {1, 0}}) {
        Ancestral split = Ancestral.of(stride[0], stride[1], eta);
        proof.atMost(
            "gap of the level", Math.abs(Math.hypot(split.down(), split.up()) - stride[1]), 1e-14);
      }
    double[] sigmas = {10, 4, 1, 0.1};
    Tensor y = Tensor.of(STARTS, STARTS.length, 1);
    proof.atMost(
        "gap at η = 0 to Euler",
        gap(
            walk(new EulerAncestral(0, 1), sigmas, y, LINE, NoiseSource.none()).toArray(),
            walk(new Euler(), sigmas, y, LINE, NoiseSource.none()).toArray()),
        1e-12);
  }

  @Claim("threads")
  @Test
  void one_scheduler_serves_many_threads() throws Exception {
    Mixture mixture = Mixture.example();
    Denoiser network = mixture.denoiser(SCHEDULE, Prediction.EPSILON);
    Scheduler scheduler =
        new SigmaScheduler(PATH.withTimesteps(new TimestepSpacing.Trailing()), new UniPc(3));
    List<Callable<double[]>> tasks = new ArrayList<>();
    List<double[]> alone = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Tensor start = Tensor.gaussian(random(10 + i), 3, 4);
      alone.add(sampled(scheduler, network, start).toArray());
      tasks.add(() -> sampled(scheduler, network, start).toArray());
    }
    try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
      var futures = pool.invokeAll(tasks);
      for (int i = 0; i < 8; i++) assertThat(futures.get(i).get()).isEqualTo(alone.get(i));
    }
  }

  @Claim("flow")
  @GoldenCases("diffusion/pf-ode-exact")
  void the_exact_flow_and_score_are_those_of_the_reference(GoldenCase golden, Proof proof) {
    String kind = golden.text("kind");
    if (kind.equals("score")) {
      GaussianMixture mixture = Mixture.of(golden.params().get("mixture")).exact();
      double a = golden.number("a");
      double s = golden.number("s");
      Tensor x = golden.tensor("x");
      double[] densities = new double[x.size(0)];
      Arrays.setAll(densities, i -> mixture.logDensity(x.select(0, i).toArray(), a, s));
      golden.expect("log_density", densities, proof);
      golden.expect("score", mixture.score(x, a, s), proof);
      golden.expect("eps", mixture.epsilon(x, a, s), proof);
      golden.expect("x0", mixture.x0(x, a, s), proof);
      return;
    }
    boolean preserving = kind.endsWith("vp");
    GaussianMixture mixture =
        kind.startsWith("gaussian")
            ? new GaussianMixture(
                new double[] {1},
                new double[][] {{golden.number("mean")}},
                new double[] {golden.number("variance")})
            : Mixture.of(golden.params().get("mixture")).exact();
    double fromSignal = preserving ? signal(golden, "t_from") : 1;
    double toSignal = preserving ? signal(golden, "t_to") : 1;
    double from = preserving ? sigma(fromSignal) : golden.number("sigma_from");
    double to = preserving ? sigma(toSignal) : golden.number("sigma_to");
    if (kind.equals("ve-nd")) {
      // no closed form in four dimensions: a fourth-order solver in many strides
      double[] sigmas = new SigmaSpacing.Exponential().levels(new double[2001], from, to);
      golden.expect(
          "x", walk(fullUniPc(3), sigmas, golden.tensor("x"), mixture, NoiseSource.none()), proof);
    } else {
      double[] x = golden.doubles("x");
      double[] ends = new double[x.length];
      Arrays.setAll(ends, i -> toSignal * mixture.flow(x[i] / fromSignal, from, to));
      golden.expect("x", ends, proof);
    }
  }

  private static double signal(GoldenCase golden, String time) {
    double t = golden.number(time);
    double first = golden.number("beta_0");
    double last = golden.number("beta_1");
    return Math.exp(-t * t * (last - first) / 4 - t * first / 2);
  }

  private static double sigma(double signal) {
    return Math.sqrt(1 - signal * signal) / signal;
  }

  @Claim("parity")
  @GoldenCases("diffusion/scheduler-euler")
  void euler_equals_diffusers(GoldenCase golden, Proof proof) {
    diffusers(golden, proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/scheduler-euler-ancestral")
  void euler_ancestral_equals_diffusers(GoldenCase golden, Proof proof) {
    diffusers(golden, proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/scheduler-heun")
  void heun_equals_diffusers(GoldenCase golden, Proof proof) {
    diffusers(golden, proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/scheduler-dpm2")
  void dpm2_equals_diffusers(GoldenCase golden, Proof proof) {
    diffusers(golden, proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/scheduler-dpm2-ancestral")
  void dpm2_ancestral_equals_diffusers(GoldenCase golden, Proof proof) {
    diffusers(golden, proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/scheduler-lms")
  void lms_equals_diffusers(GoldenCase golden, Proof proof) {
    diffusers(golden, proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/scheduler-dpm-multistep")
  void dpm_solver_equals_diffusers(GoldenCase golden, Proof proof) {
    diffusers(golden, proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/scheduler-dpm-singlestep")
  void single_step_dpm_solver_equals_diffusers(GoldenCase golden, Proof proof) {
    diffusers(golden, proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/scheduler-unipc")
  void unipc_equals_diffusers(GoldenCase golden, Proof proof) {
    diffusers(golden, proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/scheduler-pndm")
  void pndm_equals_diffusers(GoldenCase golden, Proof proof) {
    Pndm pndm = DiffusersSolvers.pndm(golden.params().get("config"));
    Scheduler.Run run = pndm.start(golden.integer("num_inference_steps"));
    replayed(golden, run, NoiseSource.none(), proof);
  }

  /// Feeds the recorded outputs of the network to a run and, for x̂₀, to its solver.
  private static void diffusers(GoldenCase golden, Proof proof) {
    int steps = golden.integer("num_inference_steps");
    SigmaScheduler scheduler = DiffusersSolvers.of(golden.params());
    Tensor[] draws = golden.inputs().has("noise") ? split(golden.tensor("noise")) : new Tensor[0];
    Scheduler.Run run = scheduler.start(steps);
    proof.atMost(
        "gap of the first scale",
        Math.abs(run.initialNoiseScale() / golden.number("init_noise_sigma") - 1),
        1e-9);
    replayed(golden, run, replay(draws), proof);
    double[] sigmas = scheduler.path().levels(steps).sigmas();
    golden.expect("sigmas", DiffusersSolvers.listed(golden.text("scheduler"), sigmas), proof);
    if (!golden.expected().has("pred_original")) return;
    Tensor outputs = golden.tensor("model_outputs");
    NoiseSource again = replay(draws);
    SigmaSolver.Walk walk = scheduler.solver().start(sigmas);
    List<Tensor> images = new ArrayList<>();
    Tensor y = golden.tensor("sample");
    while (!walk.done()) {
      Tensor output = outputs.select(0, images.size());
      double asked = walk.sigma();
      y =
          walk.step(
              y,
              (at, sigma) -> {
                boolean raised = scheduler.prediction() == Prediction.EPSILON;
                images.add(scheduler.x0(output, at, raised ? sigma : asked));
                return images.getLast();
              },
              again);
    }
    golden.expect("pred_original", Tensor.stack(0, images.toArray(Tensor[]::new)), proof);
  }

  private static void replayed(
      GoldenCase golden, Scheduler.Run run, NoiseSource noise, Proof proof) {
    Tensor outputs = golden.tensor("model_outputs");
    int calls = outputs.size(0);
    double[] timesteps = new double[calls];
    Tensor[] samples = new Tensor[calls];
    Tensor x = golden.tensor("sample");
    for (int i = 0; i < calls; i++) {
      timesteps[i] = run.timestep();
      samples[i] = x = run.step(outputs.select(0, i), x, noise);
    }
    assertThat(run.done()).isTrue();
    golden.expect("timesteps", timesteps, proof);
    golden.expect("samples", Tensor.stack(0, samples), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/k-euler")
  void euler_equals_k_diffusion(GoldenCase golden, Proof proof) {
    JsonNode options = golden.params().get("options");
    kDiffusion(golden, new Euler(churn(options)), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/k-euler-ancestral")
  void euler_ancestral_equals_k_diffusion(GoldenCase golden, Proof proof) {
    kDiffusion(golden, new EulerAncestral(eta(golden), noiseScale(golden)), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/k-heun")
  void heun_equals_k_diffusion(GoldenCase golden, Proof proof) {
    kDiffusion(golden, new Heun(churn(golden.params().get("options"))), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/k-dpm2")
  void dpm2_equals_k_diffusion(GoldenCase golden, Proof proof) {
    kDiffusion(golden, new Dpm2(0, 1, churn(golden.params().get("options"))), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/k-dpm2-ancestral")
  void dpm2_ancestral_equals_k_diffusion(GoldenCase golden, Proof proof) {
    kDiffusion(golden, new Dpm2(eta(golden), noiseScale(golden), Churn.none()), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/k-lms")
  void lms_equals_k_diffusion(GoldenCase golden, Proof proof) {
    int order = golden.params().get("options").path("order").asInt(4);
    kDiffusion(golden, new LinearMultistep(order), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/k-dpmpp-2m")
  void dpm_solver_2m_equals_k_diffusion(GoldenCase golden, Proof proof) {
    kDiffusion(golden, full(2), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/k-dpmpp-2m-sde")
  void dpm_solver_2m_sde_equals_k_diffusion(GoldenCase golden, Proof proof) {
    String type = golden.params().get("options").path("solver_type").asString("midpoint");
    kDiffusion(
        golden,
        full(2)
            .withNoise(eta(golden), noiseScale(golden))
            .withCorrection(DiffusersSolvers.correction(type)),
        proof);
  }

  private static double eta(GoldenCase golden) {
    return golden.params().get("options").path("eta").asDouble(1);
  }

  private static double noiseScale(GoldenCase golden) {
    return golden.params().get("options").path("s_noise").asDouble(1);
  }

  private static Churn churn(JsonNode options) {
    return DiffusersSolvers.churn(options);
  }

  /// Walks with the exact denoiser; draw i belongs to stride i, used or not.
  private static void kDiffusion(GoldenCase golden, SigmaSolver solver, Proof proof) {
    GaussianMixture mixture = Mixture.of(golden.params().get("mixture")).exact();
    double[] sigmas = golden.doubles("sigmas");
    Tensor noise = golden.inputs().has("noise") ? golden.tensor("noise") : null;
    SigmaSolver.Walk walk = solver.start(sigmas);
    List<Tensor> states = new ArrayList<>();
    List<Tensor> images = new ArrayList<>();
    Tensor x = golden.tensor("x");
    for (int call = 0; !walk.done(); call++) {
      int stride = call / calls(solver, 1);
      boolean first = call % calls(solver, 1) == 0;
      x =
          walk.step(
              x,
              (y, sigma) -> {
                Tensor x0 = mixture.x0(y, 1, sigma);
                if (first) {
                  states.add(y);
                  images.add(x0);
                }
                return x0;
              },
              shape -> noise.select(0, stride));
    }
    golden.expect("states", Tensor.stack(0, states.toArray(Tensor[]::new)), proof);
    golden.expect("denoised", Tensor.stack(0, images.toArray(Tensor[]::new)), proof);
    golden.expect("final", x, proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/ancestral-step")
  void splits_and_coefficients_equal_k_diffusion(GoldenCase golden, Proof proof) {
    if (golden.text("kind").equals("ancestral")) {
      double[][] strides =
          golden
              .params()
              .get("triples_from_to_eta")
              .valueStream()
              .map(GoldenCase::numbers)
              .toArray(double[][]::new);
      Ancestral[] splits =
          Arrays.stream(strides).map(s -> Ancestral.of(s[0], s[1], s[2])).toArray(Ancestral[]::new);
      golden.expect("down", Arrays.stream(splits).mapToDouble(Ancestral::down).toArray(), proof);
      golden.expect("up", Arrays.stream(splits).mapToDouble(Ancestral::up).toArray(), proof);
    } else {
      double[] sigmas = golden.doubles("sigmas");
      int most = golden.integer("max_order");
      double[] table = new double[(sigmas.length - 1) * most];
      for (int i = 0; i + 1 < sigmas.length; i++) {
        int order = Math.min(i + 1, most);
        for (int j = 0; j < order; j++)
          table[i * most + j] = LinearMultistep.coefficient(sigmas, i, j, order);
      }
      golden.expect("coeff", table, proof);
    }
  }

  @Claim("bad-input")
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
  void every_solver_refuses_what_does_not_fit(int index) {
    Scheduler scheduler = new SigmaScheduler(PATH, DETERMINISTIC.get(index));
    Refusal.of(() -> scheduler.start(0), "steps", "0");
    Refusal.of(() -> scheduler.start(1001), "steps", "1001");
    Tensor two = Tensor.ones(2);
    Tensor bad = Tensor.vector(1, Double.NaN);
    Refusal.of(() -> scheduler.start(4).step(bad, two, NoiseSource.none()), "output", "NaN");
    Scheduler.Run run = scheduler.start(4);
    run.step(two, two, NoiseSource.none());
    Refusal.of(() -> run.step(Tensor.ones(3), Tensor.ones(3), NoiseSource.none()), "[2]", "[3]");
    Refusal.of(
        () -> scheduler.start(4).step(two, Tensor.ones(3), NoiseSource.none()), "[2]", "[3]");
    Scheduler.Run finished = scheduler.start(1);
    while (!finished.done()) finished.step(two, two, NoiseSource.none());
    assertThatIllegalStateException().isThrownBy(finished::timestep);
    assertThatIllegalStateException().isThrownBy(() -> finished.step(two, two, NoiseSource.none()));
  }

  @Claim("bad-input")
  @Test
  void bad_configurations_are_refused_by_name() {
    Refusal.of(() -> new DpmSolver(4), "order", "4");
    Refusal.of(() -> new UniPc(0), "order", "0");
    Refusal.of(() -> new DpmSolverSingleStep(0), "order", "0");
    Refusal.of(
        () ->
            new DpmSolverSingleStep(
                DpmSolver.Target.DATA, 3, DpmSolver.Correction.HEUN, 1, 1, false),
        "eta",
        "3");
    Refusal.of(() -> new LinearMultistep(5), "order", "5");
    Refusal.of(() -> new EulerAncestral(2, 1), "eta", "2");
    Refusal.of(() -> new EulerAncestral(1, -1), "noiseScale", "-1");
    Refusal.of(() -> new Dpm2(Double.NaN, 1, Churn.none()), "eta", "NaN");
    Refusal.of(() -> Churn.of(-1), "churn", "-1");
    Refusal.of(() -> new Churn(1, 2, 1, 1), "churn", "2");
    Refusal.of(() -> new SigmaSpacing.Karras(0), "rho", "0");
    Refusal.of(
        () -> new DpmSolver(2).withTarget(DpmSolver.Target.NOISE).withNoise(0.5, 1), "eta", "0.5");
    for (SigmaSolver solver : DETERMINISTIC) {
      Refusal.of(() -> solver.start(new double[] {1}), "sigmas", "1");
      Refusal.of(() -> solver.start(new double[] {1, 2, 0}), "sigmas", "2");
      Refusal.of(() -> solver.start(new double[] {Double.NaN, 2, 0.1}), "sigmas", "NaN");
    }
    double[] toZero = {1, 0};
    Refusal.of(
        () -> new DpmSolver(2).withTarget(DpmSolver.Target.NOISE).start(toZero), "sigmas", "0");
    Refusal.of(
        () -> new UniPc(DpmSolver.Target.NOISE, 2, UniPc.Scale.LINEAR, true).start(toZero),
        "sigmas",
        "0");
    Scheduler noisy = new SigmaScheduler(PATH, new EulerAncestral());
    Tensor two = Tensor.ones(2);
    Refusal.of(() -> noisy.start(4).step(two, two, NoiseSource.none()), "noise");
    Ddim ddim = new Ddim(SCHEDULE);
    Refusal.of(() -> new Pndm(ddim.withEta(1), Pndm.Start.RUNGE_KUTTA), "eta", "1");
    Pndm pndm = new Pndm(ddim, Pndm.Start.RUNGE_KUTTA);
    Refusal.of(() -> pndm.start(3), "steps", "3");
    Refusal.of(() -> new Pndm(ddim, Pndm.Start.LINEAR_MULTISTEP).start(0), "steps", "0");
    Refusal.of(
        () -> new GaussianMixture(new double[] {0.5}, new double[][] {{1}}, new double[] {1}),
        "weights",
        "0.5");
    Refusal.of(
        () -> new GaussianMixture(new double[] {1}, new double[][] {{1}}, new double[] {0}),
        "variances",
        "0");
  }
}
