package lemma.core.feedforward;

import static lemma.core.tensor.Tensor.LAST;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import lemma.core.tensor.Tensor;

/// A mixture of experts: many feed-forward layers, of which each token passes through k.
///
/// ```
/// y = Σ_{e chosen} weightₑ·expertₑ(x)  +  Σ shared(x)
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `x`, `y` | `[..., dim]` | each row is a token |
/// | `weight`, chosen | `[tokens, k]` | by the [router][TopKRouter] |
///
/// Each expert computes all of its tokens at once, and only those; what it costs a token is k
/// experts, however many there are. Shared experts see every token.
///
/// An expert is any function `[tokens, dim] → [tokens, dim]`, a [GluFfn] as a rule:
///
/// ```
/// new MixtureOfExperts(new TopKRouter(gate, 2, RENORMALISED), List.of(first::apply, …))
/// ```
///
/// Shazeer et al. 2017, eq. 1, arXiv:1701.06538; Jiang et al. 2024, section 2.1, arXiv:2401.04088;
/// shared experts: Dai et al. 2024, eq. 9, arXiv:2401.06066. Answer: `feedforward/moe.md`.
///
/// @param capacityFactor how much more than its even share an expert takes before it drops tokens;
///     ∞ drops none
public record MixtureOfExperts(
    TopKRouter router,
    List<UnaryOperator<Tensor>> experts,
    List<UnaryOperator<Tensor>> shared,
    double capacityFactor) {

  /// What the layer computed, and where each token went before any was dropped: what the losses are
  /// made of.
  public record Result(Tensor output, Routing routing) {}

  /// @throws IllegalArgumentException if there are not as many experts as the router has rows, or
  ///     `capacityFactor` is not positive
  public MixtureOfExperts {
    experts = List.copyOf(experts);
    shared = List.copyOf(shared);
    if (experts.size() != router.experts())
      throw new IllegalArgumentException(
          "experts must be %d as the router has rows, were %d"
              .formatted(router.experts(), experts.size()));
    if (!(capacityFactor > 0))
      throw new IllegalArgumentException("capacityFactor must be positive, was " + capacityFactor);
  }

  /// Without shared experts, and no token is dropped.
  public MixtureOfExperts(TopKRouter router, List<UnaryOperator<Tensor>> experts) {
    this(router, experts, List.of(), Double.POSITIVE_INFINITY);
  }

  /// `x [..., dim]` → the same shape.
  ///
  /// @throws IllegalArgumentException if the last axis of `x` is not that of the router
  public Tensor apply(Tensor x) {
    return result(x).output();
  }

  /// The output, with the routing for the losses.
  ///
  /// @throws IllegalArgumentException if the last axis of `x` is not that of the router
  public Result result(Tensor x) {
    int dim = router.gate().size(1);
    if (x.rank() == 0 || x.size(LAST) != dim)
      throw new IllegalArgumentException("x must be [..., %d], was %s".formatted(dim, x));
    Tensor tokens = x.reshape(x.count() / dim, dim);
    Routing routing = router.route(tokens);
    Tensor y =
        mix(
            tokens,
            capacityFactor == Double.POSITIVE_INFINITY
                ? routing
                : routing.limited(routing.capacity(capacityFactor)));
    for (var expert : shared) y = y.add(expert.apply(tokens));
    return new Result(y.reshape(x.shape()), routing);
  }

  /// Every expert on its tokens; then the rows of all experts, below each other, are looked up in the
  /// order of the tokens.
  private Tensor mix(Tensor tokens, Routing routing) {
    int count = tokens.size(0);
    int topK = router.topK();
    List<Tensor> outputs = new ArrayList<>();
    outputs.add(Tensor.zeros(1, tokens.size(1))); // row 0: what a dropped assignment gets
    int[] row = new int[count * topK];
    int rows = 1;
    int[] load = routing.load();
    for (int expert = 0; expert < load.length; expert++) {
      if (load[expert] == 0) continue;
      int[] mine = new int[load[expert]];
      int seen = 0;
      for (int i = 0; i < row.length; i++)
        if (routing.chosen()[i / topK][i % topK] == expert) {
          mine[seen++] = i / topK;
          row[i] = rows++;
        }
      outputs.add(experts.get(expert).apply(tokens.rows(mine)));
    }
    Tensor all = Tensor.concat(0, outputs.toArray(Tensor[]::new));
    return all.rows(row)
        .reshape(count, topK, tokens.size(1))
        .mul(routing.weights().unsqueeze(LAST))
        .sum(1, false);
  }
}
