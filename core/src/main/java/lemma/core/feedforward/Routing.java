package lemma.core.feedforward;

import static lemma.core.tensor.Tensor.LAST;

import java.util.Arrays;
import lemma.core.tensor.Tensor;

/// Where a router sent each token, and the losses that keep it from sending all to a few experts.
///
/// ```
/// balance = E · Σₑ fₑ·Pₑ      fₑ = assignments to e / tokens,  Pₑ = mean probability of e
/// z       = mean over tokens of (ln Σₑ e^logitₑ)²
/// ```
///
/// Fedus et al. 2022, eq. 4 to 6, arXiv:2101.03961; Zoph et al. 2022, eq. 5, arXiv:2202.08906.
/// Answer: `feedforward/moe.md`.
///
/// @param logits `[tokens, experts]`
/// @param probabilities their softmax
/// @param chosen the experts of each token, by decreasing probability; [#DROPPED] where the expert
///     was full. Shared: to be read, never written.
/// @param weights `[tokens, topK]`
public record Routing(Tensor logits, Tensor probabilities, int[][] chosen, Tensor weights) {
  /// Stands in [#chosen] for an assignment that its expert had no room for.
  public static final int DROPPED = -1;

  /// @throws IllegalArgumentException if the parts do not speak of the same tokens and experts
  public Routing {
    if (logits.rank() != 2 || !Arrays.equals(logits.shape(), probabilities.shape()))
      throw new IllegalArgumentException(
          "logits and probabilities must be [tokens, experts], were %s and %s"
              .formatted(logits, probabilities));
    if (chosen.length != logits.size(0) || weights.rank() != 2 || weights.size(0) != chosen.length)
      throw new IllegalArgumentException(
          "chosen and weights must have a row for each of %d tokens, had %d and %s"
              .formatted(logits.size(0), chosen.length, weights));
    for (int[] experts : chosen)
      if (experts.length != weights.size(1))
        throw new IllegalArgumentException(
            "chosen must have %d experts for each token as weights have, had %d"
                .formatted(weights.size(1), experts.length));
  }

  /// How many tokens each expert is to compute.
  public int[] load() {
    return load(weights.size(LAST));
  }

  /// The same, of the first `choices` choices of each token.
  private int[] load(int choices) {
    int[] load = new int[probabilities.size(LAST)];
    for (int[] experts : chosen)
      for (int choice = 0; choice < choices; choice++)
        if (experts[choice] != DROPPED) load[experts[choice]]++;
    return load;
  }

  /// The balancing loss over the first `choices` choices of each token: 1 for that of Switch, k for
  /// that of Mixtral. Even load gives `choices`. Counts are constants: its gradient lowers the
  /// probability of the experts that have much to do.
  ///
  /// To be asked for before [#limited]: an assignment that is dropped would no longer count.
  ///
  /// @throws IllegalArgumentException if `choices` is not in 1 … k, or there is no token
  public Tensor balancingLoss(int choices) {
    int topK = weights.size(LAST);
    if (choices < 1 || choices > topK)
      throw new IllegalArgumentException(
          "choices must be in 1 … %d, was %d".formatted(topK, choices));
    requireTokens();
    double[] share =
        Arrays.stream(load(choices)).mapToDouble(count -> (double) count / chosen.length).toArray();
    return probabilities.mean(0, false).mul(Tensor.vector(share)).sum().mul(share.length);
  }

  /// The z-loss: keeps the logits small, where rounding hurts the softmax least.
  ///
  /// @throws IllegalArgumentException if there is no token
  public Tensor zLoss() {
    requireTokens();
    return logits.logSumExp(LAST).square().mean();
  }

  private void requireTokens() {
    if (chosen.length == 0) throw new IllegalArgumentException("there must be a token");
  }

  /// How many tokens an expert has room for: its even share times a factor, rounded up.
  ///
  /// @throws IllegalArgumentException if `factor` is not positive
  public int capacity(double factor) {
    if (!(factor > 0)) throw new IllegalArgumentException("factor must be positive, was " + factor);
    double even = (double) weights.count() / probabilities.size(LAST);
    return (int) Math.ceil(factor * even);
  }

  /// The same with at most `capacity` tokens for each expert. First choices are served before second
  /// ones, and earlier tokens before later ones; what does not fit is dropped, and the remaining
  /// weights stay as they are.
  ///
  /// Lepikhin et al. 2021, algorithm 1, arXiv:2006.16668.
  ///
  /// @throws IllegalArgumentException if `capacity` is negative
  public Routing limited(int capacity) {
    if (capacity < 0)
      throw new IllegalArgumentException("capacity must be 0 or more, was " + capacity);
    int[] load = new int[probabilities.size(LAST)];
    int[][] kept = new int[chosen.length][];
    for (int token = 0; token < kept.length; token++) kept[token] = chosen[token].clone();
    for (int choice = 0; choice < weights.size(LAST); choice++)
      for (int[] experts : kept) {
        int expert = experts[choice];
        if (expert != DROPPED && ++load[expert] > capacity) experts[choice] = DROPPED;
      }
    return new Routing(logits, probabilities, kept, weights);
  }
}
