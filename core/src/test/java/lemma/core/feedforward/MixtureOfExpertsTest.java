package lemma.core.feedforward;

import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.core.feedforward.TopKRouter.Weighting;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("moe")
class MixtureOfExpertsTest {
  private static final double INFINITE = Double.POSITIVE_INFINITY;

  private static GluFfn expert(int dim, int hidden, RandomGenerator random) {
    return GluFfn.swiGlu(
        Tensor.gaussian(random, hidden, dim).parameter(),
        Tensor.gaussian(random, hidden, dim).parameter(),
        Tensor.gaussian(random, dim, hidden).parameter());
  }

  private static List<GluFfn> experts(int count, int dim, int hidden, RandomGenerator random) {
    return IntStream.range(0, count).mapToObj(i -> expert(dim, hidden, random)).toList();
  }

  private static List<UnaryOperator<Tensor>> functions(List<GluFfn> experts) {
    List<UnaryOperator<Tensor>> functions = new ArrayList<>();
    for (GluFfn expert : experts) functions.add(expert::apply);
    return functions;
  }

  /// Every expert on every token, times a matrix `[tokens, experts]` of weights.
  private static Tensor dense(List<GluFfn> experts, Tensor x, Tensor weights) {
    Tensor y = Tensor.zeros(x.shape());
    for (int e = 0; e < experts.size(); e++)
      y = y.add(experts.get(e).apply(x).mul(weights.slice(1, e, e + 1)));
    return y;
  }

  /// The weights of a routing as a matrix `[tokens, experts]`, 0 where an expert is not chosen.
  private static Tensor matrix(Routing routing) {
    Tensor y = Tensor.zeros(routing.logits().shape());
    for (int choice = 0; choice < routing.weights().size(1); choice++) {
      double[] one = new double[y.count()];
      for (int token = 0; token < y.size(0); token++)
        if (routing.chosen()[token][choice] != Routing.DROPPED)
          one[token * y.size(1) + routing.chosen()[token][choice]] = 1;
      Tensor column = routing.weights().slice(1, choice, choice + 1);
      y = y.add(Tensor.of(one, y.shape()).mul(column));
    }
    return y;
  }

  @Claim("dense")
  @Test
  void with_every_expert_chosen_it_is_the_weighted_sum_of_all(Proof proof) {
    RandomGenerator random = random(1);
    for (int count : new int[] {1, 3, 8}) {
      List<GluFfn> experts = experts(count, 6, 5, random);
      Tensor x = Tensor.gaussian(random, 7, 6);
      Tensor gate = Tensor.gaussian(random, count, 6);
      for (Weighting weighting : Weighting.values()) {
        var moe = new MixtureOfExperts(new TopKRouter(gate, count, weighting), functions(experts));
        Tensor expected = dense(experts, x, x.matmulTransposed(gate).softmax(LAST));
        proof.atMost(
            "relative gap",
            relativeGap(moe.apply(x).toArray(), expected.toArray()),
            1e-13); // sums of up to 8 experts in another order
      }
    }
  }

  @Claim("sparse")
  @Test
  void output_and_gradients_are_those_of_all_experts_with_the_unchosen_weighted_zero(Proof proof) {
    RandomGenerator random = random(2);
    for (int topK = 1; topK <= 4; topK++) {
      List<GluFfn> experts = experts(5, 6, 4, random);
      Tensor x = Tensor.gaussian(random, 9, 6).parameter();
      Tensor gate = Tensor.gaussian(random, 5, 6).parameter();
      var router = new TopKRouter(gate, topK, Weighting.RENORMALISED);
      Tensor sparse = new MixtureOfExperts(router, functions(experts)).apply(x);
      Tensor all = dense(experts, x, matrix(router.route(x)));
      proof.atMost("relative gap", relativeGap(sparse.toArray(), all.toArray()), 1e-13);
      Tensor seed = Tensor.gaussian(random, 9, 6);
      var ofSparse = sparse.backward(seed);
      var ofAll = all.backward(seed);
      List<Tensor> parameters = new ArrayList<>(List.of(x, gate));
      for (GluFfn expert : experts)
        parameters.addAll(
            List.of(expert.gate().weight(), expert.up().weight(), expert.down().weight()));
      for (Tensor parameter : parameters)
        proof.atMost(
            "largest gap of a gradient",
            gap(ofSparse.of(parameter).toArray(), ofAll.of(parameter).toArray()),
            1e-11); // gradients reach some hundreds
    }
  }

  @Claim("per-token")
  @Test
  void each_token_is_routed_by_itself_and_its_output_does_not_depend_on_the_others(Proof proof) {
    RandomGenerator random = random(10);
    List<GluFfn> experts = experts(4, 6, 5, random);
    Tensor x = Tensor.gaussian(random, 30, 6); // one text
    var router = new TopKRouter(Tensor.gaussian(random, 4, 6), 1, Weighting.AS_THEY_ARE);
    var moe = new MixtureOfExperts(router, functions(experts));
    MixtureOfExperts.Result together = moe.result(x);
    assertThat(together.routing().load()).doesNotContain(0); // every expert sees some of its tokens
    for (int token = 0; token < 30; token++)
      proof.atMost(
          "max |Δ|",
          gap(
              moe.apply(x.slice(0, token, token + 1)).toArray(),
              together.output().slice(0, token, token + 1).toArray()),
          1e-12);
  }

  @Claim("crowd")
  @Test
  void with_a_capacity_the_output_of_a_token_depends_on_those_before_it(Proof proof) {
    RandomGenerator random = random(11);
    List<GluFfn> experts = experts(4, 6, 5, random);
    Tensor token = Tensor.gaussian(random, 1, 6);
    var router = new TopKRouter(Tensor.gaussian(random, 4, 6), 1, Weighting.AS_THEY_ARE);
    var moe = new MixtureOfExperts(router, functions(experts), List.of(), 1);
    Tensor alone = moe.apply(token); // capacity 1
    Tensor second = moe.apply(Tensor.concat(0, token, token)).slice(0, 1, 2); // capacity 1 as well
    proof.atLeast("largest output alone", alone.abs().max().item(), 0.1);
    assertThat(second.toArray()).containsOnly(0);
  }

  @Claim("order")
  @Test
  void softmax_over_the_chosen_logits_equals_the_renormalised_softmax_over_all(Proof proof) {
    RandomGenerator random = random(3);
    for (int topK = 1; topK <= 6; topK++) {
      Tensor x = Tensor.gaussian(random, 50, 8);
      var router = new TopKRouter(Tensor.gaussian(random, 6, 8), topK, Weighting.RENORMALISED);
      Routing routing = router.route(x);
      int[] chosen = Arrays.stream(routing.chosen()).flatMapToInt(Arrays::stream).toArray();
      Tensor kept = routing.logits().repeat(0, topK).pick(chosen).reshape(50, topK);
      proof.atMost(
          "max |Δ|", gap(routing.weights().toArray(), kept.softmax(LAST).toArray()), 1e-14);
    }
  }

  @Claim("flops")
  @Test
  void each_token_costs_k_experts_however_many_there_are(Proof proof) {
    int dim = 8;
    int hidden = 12;
    int tokens = 40;
    int topK = 2;
    for (int count : new int[] {2, 8, 64}) {
      RandomGenerator random = random(4);
      long[] products = new long[1]; // multiply-adds of the matrices of the experts
      List<UnaryOperator<Tensor>> counting = new ArrayList<>();
      for (GluFfn expert : experts(count, dim, hidden, random))
        counting.add(rows -> {
          products[0] += rows.size(0) * expert.parameters();
          return expert.apply(rows);
        });
      var router =
          new TopKRouter(Tensor.gaussian(random, count, dim), topK, Weighting.RENORMALISED);
      new MixtureOfExperts(router, counting).apply(Tensor.gaussian(random, tokens, dim));
      assertThat(products[0]).isEqualTo((long) tokens * topK * 3 * dim * hidden);
      proof.measured("multiply-adds of experts a token", (double) products[0] / tokens);
      proof.measured("of the router, %d experts".formatted(count), router.gate().count());
    }
  }

  @Claim("balance")
  @Test
  void balancing_loss_is_k_at_even_load_and_more_where_load_follows_uneven_probabilities(
      Proof proof) {
    RandomGenerator random = random(5);
    for (int count : new int[] {2, 4, 8}) {
      // even load: token t goes to experts t, t + 1, … modulo their number
      for (int topK = 1; topK <= count; topK++) {
        Tensor probabilities = Tensor.gaussian(random, 3 * count, count).softmax(LAST);
        Tensor loss = routing(probabilities, turns(3 * count, topK, count)).balancingLoss(topK);
        proof.atMost("|loss − k| at even load", Math.abs(loss.item() - topK), 1e-13);
      }
      // load in proportion to the probabilities: Σ E·P², least where all P are 1/E
      for (int trial = 0; trial < 50; trial++) {
        int[] load = IntStream.range(0, count).map(e -> 1 + random.nextInt(9)).toArray();
        int tokens = Arrays.stream(load).sum();
        double[] share = Arrays.stream(load).mapToDouble(n -> (double) n / tokens).toArray();
        Tensor probabilities = Tensor.vector(share).broadcastTo(tokens, count);
        double loss = routing(probabilities, blocks(load)).balancingLoss(1).item();
        double uneven = Arrays.stream(share).map(p -> Math.pow(p - 1.0 / count, 2)).sum();
        proof.atMost("|loss − (1 + E·Σ(P − 1/E)²)|", Math.abs(loss - (1 + count * uneven)), 1e-13);
      }
    }
  }

  @Claim("below")
  @Test
  void balancing_loss_can_fall_below_its_value_at_even_load(Proof proof) {
    // two tokens choose expert 0 by a hair, one chooses expert 1 without doubt
    Tensor probabilities = Tensor.of(new double[][] {{0.51, 0.49}, {0.51, 0.49}, {0, 1}});
    Routing routing = routing(probabilities, new int[][] {{0}, {0}, {1}});
    assertThat(routing.load()).containsExactly(2, 1);
    proof.atMost("loss at a load of 2 to 1", routing.balancingLoss(1).item(), 0.9);
  }

  @Claim("balancing")
  @Test
  void descent_on_the_balancing_loss_evens_the_load(Proof proof) {
    RandomGenerator random = random(6);
    int count = 4;
    Tensor x = Tensor.gaussian(random, 256, 8).add(0.5);
    Tensor gate = Tensor.gaussian(random, count, 8);
    gate = gate.add(Tensor.of(new double[] {1, 0, 0, 0}, count, 1)); // all like the first
    proof.atLeast("largest share before", largestShare(gate, x), 0.6);
    for (int step = 0; step < 300; step++) {
      Tensor leaf = gate.parameter();
      Tensor loss = new TopKRouter(leaf, 1, Weighting.AS_THEY_ARE).route(x).balancingLoss(1);
      gate = gate.sub(loss.backward().of(leaf));
    }
    proof.atMost("largest share after", largestShare(gate, x), 0.32);
  }

  private static double largestShare(Tensor gate, Tensor x) {
    Routing routing = new TopKRouter(gate, 1, Weighting.AS_THEY_ARE).route(x);
    return (double) Arrays.stream(routing.load()).max().orElseThrow() / x.size(0);
  }

  @Claim("one-expert")
  @Test
  void router_of_one_expert_learns_only_if_its_probability_is_kept(Proof proof) {
    RandomGenerator random = random(7);
    List<GluFfn> experts = experts(4, 6, 5, random);
    Tensor x = Tensor.gaussian(random, 20, 6);
    Tensor gate = Tensor.gaussian(random, 4, 6).parameter();
    for (Weighting weighting : Weighting.values()) {
      var moe = new MixtureOfExperts(new TopKRouter(gate, 1, weighting), functions(experts));
      Tensor gradient = moe.apply(x).square().sum().backward().of(gate);
      double largest = gradient.abs().max().item();
      switch (weighting) {
        case RENORMALISED -> proof.atMost("gradient, renormalised", largest, 1e-10);
        case AS_THEY_ARE -> proof.atLeast("gradient, as it is", largest, 1);
      }
    }
  }

  @Claim("capacity")
  @Test
  void full_expert_drops_later_tokens_and_second_choices_first() {
    int[][] chosen = {{0, 1}, {0, 2}, {1, 0}, {0, 1}};
    Tensor probabilities = Tensor.full(1 / 3.0, 4, 3);
    Routing routing = routing(probabilities, chosen);
    assertThat(routing.capacity(1)).isEqualTo(3); // ⌈4·2/3⌉
    assertThat(routing.capacity(1.25)).isEqualTo(4);
    int dropped = Routing.DROPPED;
    assertThat(routing.limited(2).chosen())
        .isDeepEqualTo(new int[][] {{0, 1}, {0, 2}, {1, dropped}, {dropped, dropped}});
    assertThat(routing.limited(2).load()).containsExactly(2, 2, 1);
    assertThat(routing.limited(0).load()).containsExactly(0, 0, 0);
    assertThat(routing.limited(4).chosen()).isDeepEqualTo(chosen);
  }

  @Claim("dropped")
  @Test
  void dropped_token_gets_nothing_from_the_expert_that_had_no_room(Proof proof) {
    RandomGenerator random = random(8);
    List<GluFfn> experts = experts(4, 6, 5, random);
    Tensor x = Tensor.gaussian(random, 30, 6);
    var router = new TopKRouter(Tensor.gaussian(random, 4, 6), 2, Weighting.RENORMALISED);
    for (double factor : new double[] {0.25, 0.5, 1, 4}) {
      var moe = new MixtureOfExperts(router, functions(experts), List.of(), factor);
      Routing limited = router.route(x).limited((int) Math.ceil(factor * 30 * 2 / 4));
      proof.atMost(
          "relative gap",
          relativeGap(moe.apply(x).toArray(), dense(experts, x, matrix(limited)).toArray()),
          1e-13);
    }
  }

  @Claim("shared")
  @Test
  void shared_experts_add_the_same_to_every_token_whoever_else_is_chosen(Proof proof) {
    RandomGenerator random = random(9);
    List<GluFfn> experts = experts(3, 6, 5, random);
    List<GluFfn> shared = experts(2, 6, 7, random);
    Tensor x = Tensor.gaussian(random, 2, 5, 6);
    var router = new TopKRouter(Tensor.gaussian(random, 3, 6), 1, Weighting.AS_THEY_ARE);
    Tensor routed = new MixtureOfExperts(router, functions(experts)).apply(x);
    Tensor both =
        new MixtureOfExperts(router, functions(experts), functions(shared), INFINITE).apply(x);
    Tensor expected = routed.add(shared.get(0).apply(x)).add(shared.get(1).apply(x));
    assertThat(both.shape()).isEqualTo(x.shape());
    proof.atMost("relative gap", relativeGap(both.toArray(), expected.toArray()), 1e-14);
  }

  @Claim("z-loss")
  @Test
  void z_loss_sees_the_size_of_logits_that_softmax_does_not(Proof proof) {
    Tensor x = Tensor.ones(3, 1);
    Tensor gate = Tensor.vector(0.5, -1, 2).reshape(3, 1);
    Routing near = new TopKRouter(gate, 2, Weighting.RENORMALISED).route(x);
    Routing far = new TopKRouter(gate.add(10), 2, Weighting.RENORMALISED).route(x);
    proof.atMost(
        "change of the weights", gap(far.weights().toArray(), near.weights().toArray()), 1e-15);
    double logSum = Math.sqrt(near.zLoss().item());
    proof.atMost(
        "|z − (ln Σ + 10)²|", Math.abs(far.zLoss().item() - Math.pow(logSum + 10, 2)), 1e-12);
  }

  @Claim("parity")
  @GoldenCases("core/moe")
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    int count = golden.integer("experts");
    int topK = golden.integer("top_k");
    Weighting weighting =
        switch (golden.text("order")) {
          case "softmax-topk-renorm" -> Weighting.RENORMALISED;
          case "softmax-then-topk-no-renorm" -> Weighting.AS_THEY_ARE;
          default -> throw new IllegalArgumentException(golden.text("order"));
        };
    Tensor w1 = golden.tensor("w1");
    Tensor w2 = golden.tensor("w2");
    Tensor w3 = golden.tensor("w3");
    List<UnaryOperator<Tensor>> experts = new ArrayList<>();
    for (int e = 0; e < count; e++)
      experts.add(GluFfn.swiGlu(w1.select(0, e), w3.select(0, e), w2.select(0, e))::apply);
    var moe = new MixtureOfExperts(new TopKRouter(golden.tensor("gate"), topK, weighting), experts);
    var result = moe.result(golden.tensor("x"));
    Routing routing = result.routing();
    golden.expect("router_logits", routing.logits(), proof);
    golden.expect("probs", routing.probabilities(), proof);
    golden.expect(
        "selected", Arrays.stream(routing.chosen()).flatMapToInt(Arrays::stream).toArray());
    golden.expect("weights", routing.weights(), proof);
    golden.expect("y", result.output(), proof);
    golden.expect("aux_mixtral", routing.balancingLoss(topK).item(), proof);
    golden.expect("aux_switch", routing.balancingLoss(1).item(), proof);
    golden.expect("z_loss", routing.zLoss().item(), proof);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Tensor gate = Tensor.ones(3, 4);
    var router = new TopKRouter(gate, 2, Weighting.RENORMALISED);
    UnaryOperator<Tensor> same = x -> x;
    var moe = new MixtureOfExperts(router, List.of(same, same, same));
    Refusal.of(() -> new TopKRouter(gate, 4, Weighting.RENORMALISED), "topK", "3", "4");
    Refusal.of(() -> new TopKRouter(gate, 0, Weighting.RENORMALISED), "topK", "0");
    Refusal.of(() -> new TopKRouter(Tensor.ones(3), 1, Weighting.RENORMALISED), "gate", "[3]");
    Refusal.of(() -> router.route(Tensor.ones(2, 5)), "x", "4", "[2, 5]");
    Refusal.of(() -> moe.apply(Tensor.ones(2, 5)), "x", "4", "[2, 5]");
    Refusal.of(() -> new MixtureOfExperts(router, List.of(same)), "experts", "3", "1");
    Refusal.of(
        () -> new MixtureOfExperts(router, moe.experts(), List.of(), 0), "capacityFactor", "0");
    Routing routing = router.route(Tensor.ones(2, 4));
    Refusal.of(() -> routing.balancingLoss(3), "choices", "2", "3");
    Refusal.of(() -> routing.capacity(Double.NaN), "factor", "NaN");
    Refusal.of(() -> routing.limited(-1), "capacity", "-1");
    Refusal.of(() -> router.route(Tensor.ones(0, 4)).zLoss(), "token");
  }

  private static Routing routing(Tensor probabilities, int[][] chosen) {
    int topK = chosen[0].length;
    return new Routing(
        probabilities.log(), probabilities, chosen, Tensor.ones(chosen.length, topK));
  }

  private static int[][] turns(int tokens, int topK, int count) {
    int[][] chosen = new int[tokens][topK];
    for (int token = 0; token < tokens; token++)
      for (int choice = 0; choice < topK; choice++)
        chosen[token][choice] = (token + choice) % count;
    return chosen;
  }

  private static int[][] blocks(int[] load) {
    return IntStream.range(0, load.length)
        .boxed()
        .flatMap(e -> IntStream.range(0, load[e]).mapToObj(i -> new int[] {e}))
        .toArray(int[][]::new);
  }
}
