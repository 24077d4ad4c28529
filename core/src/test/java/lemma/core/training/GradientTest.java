package lemma.core.training;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Gradients;
import lemma.core.tensor.Tensor;
import lemma.core.training.GradientAccumulation.Result;
import lemma.core.training.GradientClipping.Clipped;
import lemma.core.training.GradientClipping.GlobalNorm;
import lemma.core.training.GradientClipping.Value;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

/// Accumulation and clipping.
@Proves("optimisation")
class GradientTest {
  private static final CrossEntropy LOSS = CrossEntropy.standard();

  /// Rows of inputs with a class each, for a linear classifier.
  private record Examples(Tensor x, int[] classes) {
    static Examples draw(int count, RandomGenerator random) {
      return new Examples(Tensor.gaussian(random, count, 6), random.ints(count, 0, 4).toArray());
    }

    BatchLoss loss(Map<String, Tensor> parameters) {
      Tensor hidden = x.matmul(parameters.get("in")).tanh();
      return new BatchLoss(LOSS.sum(hidden.matmul(parameters.get("out")), classes), classes.length);
    }

    static Examples join(List<Examples> parts) {
      Tensor[] xs = parts.stream().map(Examples::x).toArray(Tensor[]::new);
      int[] classes = parts.stream().flatMapToInt(part -> Arrays.stream(part.classes)).toArray();
      return new Examples(Tensor.concat(0, xs), classes);
    }
  }

  private static Map<String, Tensor> parameters(RandomGenerator random) {
    Map<String, Tensor> parameters = new LinkedHashMap<>();
    parameters.put("in", Tensor.gaussian(random, 6, 5).parameter());
    parameters.put("out", Tensor.gaussian(random, 5, 4).parameter());
    return parameters;
  }

  private static double gap(Map<String, Tensor> a, Map<String, Tensor> b) {
    double worst = 0;
    for (String name : a.keySet())
      worst = Math.max(worst, a.get(name).sub(b.get(name)).abs().max().item());
    return worst;
  }

  @Claim("accumulation")
  @Test
  void micro_batches_of_any_sizes_give_the_gradient_of_the_large_batch(Proof proof) {
    RandomGenerator random = random(11);
    for (int trial = 0; trial < 20; trial++) {
      Map<String, Tensor> parameters = parameters(random);
      List<Examples> parts = new ArrayList<>();
      for (int i = 0; i < 4; i++) parts.add(Examples.draw(1 + random.nextInt(9), random));
      Examples all = Examples.join(parts);
      Result large = new GradientAccumulation(1, 1).of(parameters, i -> all.loss(parameters));
      Result small =
          new GradientAccumulation(4, 2).of(parameters, i -> parts.get(i).loss(parameters));
      proof.atMost("|Δ loss|", Math.abs(large.loss() - small.loss()), 1e-14);
      proof.atMost("max |Δ gradient|", gap(large.gradients(), small.gradients()), 1e-14);
    }
  }

  @Claim("unequal")
  @Test
  void the_mean_of_means_is_another_gradient_when_the_parts_differ_in_size(Proof proof) {
    RandomGenerator random = random(12);
    Map<String, Tensor> parameters = parameters(random);
    List<Examples> parts = List.of(Examples.draw(9, random), Examples.draw(1, random));
    GradientAccumulation accumulation = new GradientAccumulation(2, 1);
    Result right = accumulation.of(parameters, i -> parts.get(i).loss(parameters));
    Result naive =
        accumulation.of(
            parameters,
            i -> {
              BatchLoss loss = parts.get(i).loss(parameters);
              return new BatchLoss(loss.sum().div(loss.count()), 1);
            });
    proof.atLeast("max |Δ gradient|", gap(right.gradients(), naive.gradients()), 0.05);
  }

  @Claim("threads")
  @Test
  void the_number_of_threads_does_not_change_a_bit() {
    RandomGenerator random = random(13);
    Map<String, Tensor> parameters = parameters(random);
    List<Examples> parts = new ArrayList<>();
    for (int i = 0; i < 8; i++) parts.add(Examples.draw(1 + 3 * i, random));
    Result one = new GradientAccumulation(8, 1).of(parameters, i -> parts.get(i).loss(parameters));
    for (int threads : new int[] {2, 3, 8, 20})
      for (int trial = 0; trial < 5; trial++) {
        Result several =
            new GradientAccumulation(8, threads).of(parameters, i -> parts.get(i).loss(parameters));
        assertThat(several.loss()).isEqualTo(one.loss());
        one.gradients()
            .forEach((name, gradient) ->
                assertThat(several.gradients().get(name).toArray()).isEqualTo(gradient.toArray()));
      }
  }

  @Claim("clipping")
  @Test
  void clipping_by_norm_keeps_the_direction_and_by_value_turns_it(Proof proof) {
    RandomGenerator random = random(14);
    for (int trial = 0; trial < 50; trial++) {
      Map<String, Tensor> g = new LinkedHashMap<>();
      g.put("a", Tensor.gaussian(random, 3, 2));
      g.put("b", Tensor.gaussian(random, 40));
      Clipped byNorm = new GlobalNorm(0.5).clip(g);
      proof.atMost("1 − cosine, by norm", 1 - cosine(g, byNorm.gradients()), 1e-14);
      proof.atMost("norm after", new GlobalNorm(1).clip(byNorm.gradients()).norm(), 0.5);
      proof.atLeast(
          "1 − cosine, by value", 1 - cosine(g, new Value(0.5).clip(g).gradients()), 1e-3);
      Clipped loose = new GlobalNorm(1e3).clip(g);
      assertThat(loose.coefficient()).isOne();
      assertThat(loose.gradients()).isEqualTo(g);
    }
  }

  private static double cosine(Map<String, Tensor> a, Map<String, Tensor> b) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (String name : a.keySet()) {
      dot += a.get(name).mul(b.get(name)).sum().item();
      aa += a.get(name).square().sum().item();
      bb += b.get(name).square().sum().item();
    }
    return dot / Math.sqrt(aa * bb);
  }

  @Claim("parity")
  @GoldenCases("tuning/grad-clip")
  void gradients_are_clipped_as_by_torch(GoldenCase golden, Proof proof) {
    Map<String, Tensor> g = new LinkedHashMap<>();
    golden
        .inputs()
        .properties()
        .forEach(input -> g.put(input.getKey(), GoldenCase.tensor(input.getValue())));
    double order = GoldenCase.numbers(golden.params().get("norm_type"))[0];
    Clipped clipped = new GlobalNorm(golden.number("max_norm"), order).clip(g);
    golden.expect("total_norm", clipped.norm(), proof);
    golden.expect("coefficient", clipped.coefficient(), proof);
    clipped.gradients().forEach((name, gradient) -> golden.expect(name, gradient, proof));
    if (golden.expected().has("value_clipped_0")) {
      Value value = new Value(golden.number("max_norm"));
      golden.expect("value_clipped_0", value.clip(g).gradients().get("g0"), proof);
    }
  }

  @Claim("parity")
  @GoldenCases("tuning/grad-accumulation")
  void accumulated_gradients_are_those_of_torch(GoldenCase golden, Proof proof) {
    if (golden.params().has("token_counts")) unequalTokens(golden, proof);
    else linearModel(golden, proof);
  }

  private static void linearModel(GoldenCase golden, Proof proof) {
    int parts = golden.integer("micro_batches");
    Tensor weight = golden.tensor("W").parameter();
    Tensor x = golden.tensor("x");
    Tensor target = golden.tensor("target");
    int rows = x.size(0) / parts;
    Map<String, Tensor> parameters = Map.of("W", weight);
    Result result =
        new GradientAccumulation(parts, 2)
            .of(
                parameters,
                i ->
                    squares(
                        weight,
                        x.slice(0, i * rows, (i + 1) * rows),
                        target.slice(0, i * rows, (i + 1) * rows)));
    golden.expect("full_gradient", result.gradients().get("W"), proof);
    Tensor[] each = new Tensor[parts];
    for (int i = 0; i < parts; i++) {
      BatchLoss loss =
          squares(
              weight,
              x.slice(0, i * rows, (i + 1) * rows),
              target.slice(0, i * rows, (i + 1) * rows));
      each[i] = loss.sum().div(loss.count()).backward().of(weight).div(parts);
    }
    Tensor all = Tensor.stack(0, each);
    golden.expect("micro_gradients", all, proof);
    golden.expect("sum", all.sum(0, false), proof);
  }

  private static BatchLoss squares(Tensor weight, Tensor x, Tensor target) {
    Tensor error = x.matmulTransposed(weight).sub(target);
    return new BatchLoss(error.square().sum(), error.count());
  }

  private static void unequalTokens(GoldenCase golden, Proof proof) {
    int parts = golden.params().get("token_counts").size();
    Map<String, Tensor> logits = new LinkedHashMap<>();
    for (int i = 0; i < parts; i++)
      logits.put("logits" + i, golden.tensor("logits" + i).parameter());
    Result right =
        new GradientAccumulation(parts, 2)
            .of(
                logits,
                i -> {
                  int[] labels = golden.ints("labels" + i);
                  return new BatchLoss(LOSS.sum(logits.get("logits" + i), labels), labels.length);
                });
    golden.expect("correct_loss", right.loss(), proof);
    double naive = 0;
    for (int i = 0; i < parts; i++) {
      Tensor mean = LOSS.mean(logits.get("logits" + i), golden.ints("labels" + i)).div(parts);
      naive += mean.item();
      Gradients gradients = mean.backward();
      golden.expect("dlogits" + i + "_naive", gradients.of(logits.get("logits" + i)), proof);
      golden.expect("dlogits" + i + "_correct", right.gradients().get("logits" + i), proof);
    }
    golden.expect("naive_loss", naive, proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new GradientAccumulation(0, 1), "microBatches", "0");
    Refusal.of(() -> new GradientAccumulation(1, 0), "threads", "0");
    Refusal.of(() -> new GlobalNorm(0), "maxNorm");
    Refusal.of(() -> new GlobalNorm(1, -1), "order", "-1");
    Refusal.of(() -> new Value(Double.NaN), "limit", "NaN");
    Refusal.of(() -> new BatchLoss(Tensor.ones(2), 1), "sum", "[2]");
    Refusal.of(() -> new BatchLoss(Tensor.scalar(1), -1), "count", "-1");
    Map<String, Tensor> parameters = parameters(random(1));
    GradientAccumulation two = new GradientAccumulation(2, 2);
    Refusal.of(() -> two.of(parameters, i -> new BatchLoss(Tensor.scalar(0), 0)), "counts");
    assertThatThrownBy(() ->
            two.of(
                parameters,
                i -> {
                  throw new IllegalStateException("part " + i);
                }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("part 0"); // the first in order, whichever failed first
  }
}
