package lemma.diffusion.guidance;

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
import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;
import lemma.diffusion.GoldenSchedules;
import lemma.diffusion.Mixture;
import lemma.diffusion.schedule.NoiseLevel;
import lemma.diffusion.schedule.NoiseSchedule;
import lemma.diffusion.schedule.Prediction;
import lemma.diffusion.scheduler.Clipping;
import lemma.diffusion.scheduler.Ddim;
import lemma.diffusion.scheduler.DdimNd4j;
import lemma.diffusion.scheduler.Ddpm;
import lemma.diffusion.scheduler.Denoiser;
import lemma.diffusion.scheduler.NoiseSource;
import lemma.diffusion.scheduler.Sampler;
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

@Proves("cfg")
class CfgTest {
  private static final NoiseSchedule SCHEDULE = NoiseSchedule.ddpm();
  private static final Mixture MIXTURE = Mixture.example();

  @Claim("conditional")
  @Test
  void scale_one_is_the_conditional_model_and_scale_zero_the_unconditional(Proof proof) {
    RandomGenerator random = random(1);
    Tensor conditional = Tensor.gaussian(random, 2, 3, 4);
    Tensor unconditional = Tensor.gaussian(random, 2, 3, 4);
    proof.atMost(
        "max |Δ| at s = 1",
        gap(
            new ClassifierFreeGuidance(1).combine(conditional, unconditional).toArray(),
            conditional.toArray()),
        1e-15);
    proof.atMost(
        "max |Δ| at s = 0",
        gap(
            new ClassifierFreeGuidance(0).combine(conditional, unconditional).toArray(),
            unconditional.toArray()),
        0);
    int[] calls = {0, 0};
    Denoiser guided =
        new ClassifierFreeGuidance(1)
            .guide(counting(0, calls, conditional), counting(1, calls, unconditional));
    assertThat(guided.predict(conditional, 5).toArray()).isEqualTo(conditional.toArray());
    assertThat(calls).containsExactly(1, 0); // and the second pass is saved
  }

  private static Denoiser counting(int which, int[] calls, Tensor answer) {
    return (x, timestep) -> {
      calls[which]++;
      return answer;
    };
  }

  @Claim("forms")
  @Test
  void both_written_forms_are_one_at_s_equal_to_one_plus_w(Proof proof) {
    RandomGenerator random = random(2);
    for (double w : new double[] {-1, 0, 0.5, 2, 6.5, 14}) {
      Tensor conditional = Tensor.gaussian(random, 2, 8);
      Tensor unconditional = Tensor.gaussian(random, 2, 8);
      Tensor paper = conditional.mul(1 + w).sub(unconditional.mul(w));
      Tensor ours = ClassifierFreeGuidance.ofWeight(w).combine(conditional, unconditional);
      proof.atMost("relative gap", relativeGap(ours.toArray(), paper.toArray()), 1e-14);
      // read with the other's number, the guidance is off by a whole ε_c − ε_u
      Tensor confused = new ClassifierFreeGuidance(w).combine(conditional, unconditional);
      proof.atMost(
          "gap of the confusion to ε_c − ε_u",
          gap(ours.sub(confused).toArray(), conditional.sub(unconditional).toArray()),
          1e-13);
    }
  }

  @Claim("classifier")
  @Test
  void with_an_ideal_classifier_classifier_guidance_is_the_same(Proof proof) {
    RandomGenerator random = random(3);
    for (int t : new int[] {50, 300, 700, 950})
      for (double scale : new double[] {0.5, 1, 3, 7.5}) {
        double a = SCHEDULE.signal(t);
        double s = SCHEDULE.noise(t);
        Tensor x = Tensor.gaussian(random, 1, 4);
        Tensor unconditional = MIXTURE.epsilon(x, a, s);
        Tensor conditional = MIXTURE.component(0).epsilon(x, a, s);
        // the classifier's gradient by differences, with no use of either prediction
        double[] gradient = new double[4];
        double h = 1e-5;
        for (int i = 0; i < 4; i++) {
          double[] above = x.toArray();
          double[] below = x.toArray();
          above[i] += h;
          below[i] -= h;
          gradient[i] =
              (MIXTURE.logClass(above, a, s)[0] - MIXTURE.logClass(below, a, s)[0]) / (2 * h);
        }
        Tensor byClassifier =
            new ClassifierGuidance(scale)
                .epsilon(unconditional, Tensor.of(gradient, 1, 4), SCHEDULE.level(t).noise());
        Tensor free = new ClassifierFreeGuidance(scale).combine(conditional, unconditional);
        // central differences: h² of curvature, and 1e-16 / h of rounding on logs up to 100
        proof.atMost("relative gap", relativeGap(byClassifier.toArray(), free.toArray()), 1e-7);
      }
  }

  @Claim("line")
  @Test
  void the_scale_moves_the_prediction_along_a_line_and_touches_neither_prompt_nor_cost(
      Proof proof) {
    RandomGenerator random = random(4);
    Tensor x = Tensor.gaussian(random, 1, 4);
    int[] calls = {0, 0};
    Tensor conditional = Tensor.gaussian(random, 1, 4);
    Tensor unconditional = Tensor.gaussian(random, 1, 4);
    for (double scale : new double[] {2, 7.5, 15, 30}) {
      Arrays.fill(calls, 0);
      Tensor guided =
          new ClassifierFreeGuidance(scale)
              .guide(counting(0, calls, conditional), counting(1, calls, unconditional))
              .predict(x, 500);
      assertThat(calls).containsExactly(1, 1); // as many passes at every scale
      Tensor along = guided.sub(unconditional).div(scale); // the direction, whatever the scale
      proof.atMost(
          "gap of the directions",
          gap(along.toArray(), conditional.sub(unconditional).toArray()),
          1e-14);
    }
  }

  @Claim("one-network")
  @Test
  void one_network_whose_condition_is_sometimes_dropped_learns_both_predictions(Proof proof) {
    // x₀ of a class is its mean plus noise; the least-squares answer is the class mean, and,
    // without
    // the class, the mean over classes. One table of weights sees classes and the null token.
    RandomGenerator random = random(5);
    double[] means = {-2, 1, 4};
    var dropout = new ConditionDropout(0.2);
    int count = 30_000;
    double[] inputs = new double[count * 4]; // one-hot: three classes and "nothing"
    double[] targets = new double[count];
    for (int i = 0; i < count; i++) {
      int label = random.nextInt(3);
      targets[i] = means[label] + random.nextGaussian();
      inputs[4 * i + (dropout.drops(random.nextDouble()) ? 3 : label)] = 1;
    }
    Tensor x = Tensor.of(inputs, count, 4);
    Tensor y = Tensor.of(targets, count, 1);
    Tensor weights = Tensor.zeros(4, 1);
    for (int step = 0; step < 200; step++) {
      Tensor parameter = weights.parameter();
      Tensor gradient = x.matmul(parameter).sub(y).square().mean().backward().of(parameter);
      weights = weights.sub(gradient.mul(1.0)).detach();
    }
    double[] learned = weights.toArray();
    for (int label = 0; label < 3; label++)
      proof.atMost("gap to the class mean", Math.abs(learned[label] - means[label]), 0.06);
    proof.atMost("gap of the null token to the mean of all", Math.abs(learned[3] - 1), 0.15);
  }

  @Claim("negative-prompt")
  @Test
  void a_negative_prompt_pushes_the_sample_away_from_its_class(Proof proof) {
    RandomGenerator random = random(6);
    Tensor start = Tensor.gaussian(random, 400, 4);
    Denoiser wanted = MIXTURE.component(0).denoiser(SCHEDULE, Prediction.EPSILON);
    Denoiser unwanted = MIXTURE.component(1).denoiser(SCHEDULE, Prediction.EPSILON);
    Denoiser nothing = MIXTURE.denoiser(SCHEDULE, Prediction.EPSILON);
    var guidance = new ClassifierFreeGuidance(2);
    double plain = distance(guidance.guide(wanted, nothing), start);
    double negative = distance(guidance.guide(wanted, unwanted), start);
    proof.measured("distance to the unwanted mean, no negative prompt", plain);
    proof.measured("distance to the unwanted mean, negative prompt", negative);
    proof.atLeast("ratio of the distances", negative / plain, 1.1);
  }

  /// Mean distance of samples to the mean of class 1.
  private static double distance(Denoiser model, Tensor start) {
    Tensor samples =
        new Sampler(new Ddim(SCHEDULE), 50)
            .run(model, start, NoiseSource.none(), Sampler.Observer.none());
    return samples
        .sub(Tensor.vector(MIXTURE.means()[1]))
        .square()
        .sum(1, false)
        .sqrt()
        .mean()
        .item();
  }

  @Claim("rescale")
  @Test
  void rescaling_gives_each_image_the_deviation_of_the_conditional_prediction(Proof proof) {
    RandomGenerator random = random(7);
    for (double scale : new double[] {1.5, 7.5, 20}) {
      Tensor conditional = Tensor.gaussian(random, 3, 2, 8, 8);
      Tensor unconditional = Tensor.gaussian(random, 3, 2, 8, 8);
      double[] plain =
          deviations(new ClassifierFreeGuidance(scale).combine(conditional, unconditional));
      double[] full =
          deviations(new ClassifierFreeGuidance(scale, 1).combine(conditional, unconditional));
      double[] wanted = deviations(conditional);
      proof.atMost("gap of the deviations at φ = 1", gap(full, wanted), 1e-13);
      for (int i = 0; i < 3; i++)
        proof.atLeast("growth of the deviation at φ = 0", plain[i] / wanted[i], 1.2);
    }
  }

  private static double[] deviations(Tensor x) {
    return x.reshape(x.size(0), x.count() / x.size(0)).variance(1, false).sqrt().toArray();
  }

  @Claim("agreement")
  @Test
  void kernels_and_nd4j_take_the_guided_step_of_the_formula(Proof proof) {
    RandomGenerator random = random(8);
    Ddim ddim = new Ddim(SCHEDULE);
    Ddim.Weights weights = ddim.weights(600, 500);
    for (double scale : new double[] {0, 1, 3, 7.5})
      for (int n : new int[] {1, 7, 8, 15, 16, 17, 100, 1023}) {
        float[] x = floats(gaussian(n, random));
        float[] conditional = floats(gaussian(n, random));
        float[] unconditional = floats(gaussian(n, random));
        Tensor guided =
            new ClassifierFreeGuidance(scale)
                .combine(
                    Tensor.vector(doubles(conditional)), Tensor.vector(doubles(unconditional)));
        double[] expected =
            ddim.step(guided, Tensor.vector(doubles(x)), 600, 500, NoiseSource.none()).toArray();
        for (GuidanceKernel kernel :
            List.of(new GuidanceKernel.Scalar(), new GuidanceKernel.Vectorised())) {
          float[] y = new float[n];
          kernel.step(x, conditional, unconditional, scale, weights, y);
          // three products rounded to 6e-8 each, of terms that may cancel to a tenth
          proof.atMost("max |Δ|", relativeGap(doubles(y), expected), 4e-6);
          float[] inPlace = x.clone();
          kernel.step(inPlace, conditional, unconditional, scale, weights, inPlace);
          assertThat(inPlace).isEqualTo(y);
        }
        try (INDArray wide = Nd4j.createFromArray(x);
            INDArray ofCondition = Nd4j.createFromArray(conditional);
            INDArray ofNothing = Nd4j.createFromArray(unconditional);
            INDArray y =
                new GuidanceNd4j(
                        scale, new DdimNd4j(SCHEDULE.alphaBar(600), SCHEDULE.alphaBar(500)))
                    .step(wide, ofCondition, ofNothing)) {
          proof.atMost("max |Δ|", relativeGap(y.data().asDouble(), expected), 4e-6);
        }
      }
  }

  @Claim("parity")
  @GoldenCases("diffusion/classifier-free-guidance")
  void both_forms_negative_prompt_and_rescale_equal_the_reference(GoldenCase golden, Proof proof) {
    Tensor conditional = golden.tensor("cond");
    Tensor unconditional = golden.tensor("uncond");
    double rescale = golden.number("guidance_rescale");
    var byScale = new ClassifierFreeGuidance(golden.number("s"), rescale);
    var byWeight = new ClassifierFreeGuidance(1 + golden.number("w"), rescale);
    golden.expect("form_s", byScale.combine(conditional, unconditional), proof);
    golden.expect("form_w", byWeight.combine(conditional, unconditional), proof);
    if (golden.expected().has("omega_form"))
      golden.expect(
          "omega_form",
          new ClassifierFreeGuidance(golden.number("s")).combine(conditional, unconditional),
          proof);
    golden.expect(
        "negative_prompt", byScale.combine(conditional, golden.tensor("negative")), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/guidance-exact")
  void guidance_in_a_known_world_equals_the_derived_numbers(GoldenCase golden, Proof proof) {
    Mixture mixture = Mixture.of(golden.params().get("mixture"));
    int label = golden.integer("cls");
    double a = golden.number("a");
    double s = golden.number("s");
    double scale = golden.number("guidance");
    Tensor x = golden.tensor("x");
    Tensor unconditional = mixture.epsilon(x, a, s);
    Tensor conditional = mixture.component(label).epsilon(x, a, s);
    Tensor gradient = unconditional.sub(conditional).div(s);
    golden.expect("eps_uncond", unconditional, proof);
    golden.expect("eps_cond", conditional, proof);
    golden.expect(
        "log_prob_class",
        IntStream.range(0, x.size(0))
            .mapToDouble(i -> mixture.logClass(x.select(0, i).toArray(), a, s)[label])
            .toArray(),
        proof);
    golden.expect("grad_log_prob", gradient, proof);
    golden.expect(
        "eps_classifier_guided",
        new ClassifierGuidance(scale).epsilon(unconditional, gradient, Tensor.scalar(s)),
        proof);
    golden.expect(
        "eps_cfg", new ClassifierFreeGuidance(scale).combine(conditional, unconditional), proof);
  }

  @Claim("parity")
  @GoldenCases("diffusion/classifier-guidance")
  void guided_means_and_noises_equal_the_reference(GoldenCase golden, Proof proof) {
    NoiseSchedule schedule = GoldenSchedules.schedule(golden.params());
    int[] t = golden.params().get("t").valueStream().mapToInt(JsonNode::asInt).toArray();
    Tensor x = golden.tensor("x_t");
    Tensor epsilon = golden.tensor("model_output");
    var guidance = new ClassifierGuidance(golden.number("classifier_scale"));
    Tensor gradient = golden.tensor("grad_log_prob");
    for (boolean clip : new boolean[] {true, false}) {
      Ddpm ddpm =
          new Ddpm(schedule)
              .withVariance(Ddpm.Variance.LARGE)
              .withClipping(clip ? new Clipping.Static(1) : new Clipping.None());
      Tensor[] means = new Tensor[t.length];
      Tensor[] images = new Tensor[t.length];
      Tensor[] scoreMeans = new Tensor[t.length];
      for (int i = 0; i < t.length; i++) {
        Tensor row = x.slice(0, i, i + 1);
        Tensor rowGradient = gradient.slice(0, i, i + 1);
        NoiseLevel level = schedule.level(t[i]);
        Ddpm.Reverse reverse = ddpm.reverse(epsilon.slice(0, i, i + 1), row, t[i]);
        means[i] = guidance.mean(reverse.mean(), reverse.variance(), rowGradient);
        // the noise that belongs to the clipped image is what is guided; no second clipping
        Tensor guided =
            guidance.epsilon(
                Prediction.SAMPLE.epsilon(reverse.x0(), row, level), rowGradient, level.noise());
        images[i] = Prediction.EPSILON.x0(guided, row, level);
        scoreMeans[i] = ddpm.posterior(t[i]).mean(images[i], row);
      }
      String suffix = clip ? "_clipTrue" : "_clipFalse";
      golden.expect("mean_guided" + suffix, Tensor.concat(0, means), proof);
      golden.expect("score_guided_pred_x0" + suffix, Tensor.concat(0, images), proof);
      golden.expect("score_guided_mean" + suffix, Tensor.concat(0, scoreMeans), proof);
    }
  }

  @Claim("parity")
  @GoldenCases("diffusion/conditioning-dropout")
  void dropped_conditions_equal_the_reference(GoldenCase golden, Proof proof) {
    var dropout = new ConditionDropout(golden.number("p"));
    double[] u = golden.doubles("u");
    Tensor embeddings = golden.tensor("embeddings");
    double[] perEncoder = golden.doubles("uniform_encoders");
    golden.expect(
        "ip2p_text_dropped",
        Arrays.stream(u).map(value -> dropout.dropsText(value) ? 1 : 0).toArray(),
        proof);
    golden.expect(
        "ip2p_image_kept",
        Arrays.stream(u).map(value -> dropout.dropsImage(value) ? 0 : 1).toArray(),
        proof);
    golden.expect(
        "sd3_keep",
        Arrays.stream(perEncoder).map(value -> dropout.drops(value) ? 0 : 1).toArray(),
        proof);
    golden.expect("sd3_embeddings", dropout.applyPerEncoder(embeddings, perEncoder), proof);
    golden.expect(
        "cfg_embedding",
        dropout.apply(embeddings.select(1, 0), golden.tensor("null_embedding"), u),
        proof);
    golden.expect(
        "all_dropped_probability", Math.pow(dropout.probability(), embeddings.size(1)), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new ClassifierFreeGuidance(Double.NaN), "scale", "NaN");
    Refusal.of(() -> new ClassifierFreeGuidance(7.5, 1.5), "rescale", "1.5");
    Refusal.of(() -> new ClassifierGuidance(Double.POSITIVE_INFINITY), "scale", "Infinity");
    Refusal.of(() -> new ConditionDropout(-0.1), "probability", "-0.1");
    var guidance = new ClassifierFreeGuidance(7.5);
    Refusal.of(
        () -> guidance.combine(Tensor.ones(2, 3), Tensor.ones(2, 4)),
        "conditional",
        "[2, 3]",
        "[2, 4]");
    Refusal.of(
        () -> new ConditionDropout(0.1).apply(Tensor.ones(2, 3), Tensor.ones(3), 0.5),
        "uniforms",
        "[2, 3]",
        "1");
    Ddim.Weights weights = new Ddim(SCHEDULE).weights(9, 2);
    Ddim.Weights noisy = new Ddim(SCHEDULE).withEta(1).weights(9, 2);
    float[] two = new float[2];
    for (GuidanceKernel kernel :
        List.of(new GuidanceKernel.Scalar(), new GuidanceKernel.Vectorised())) {
      Refusal.of(() -> kernel.step(two, two, new float[3], 2, weights, two), "length", "3");
      Refusal.of(() -> kernel.step(two, two, two, 2, noisy, two), "noise");
    }
  }
}
