package lemma.core.feedforward;

import static lemma.core.tensor.Tensor.LAST;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;

/// Chooses the experts of each token: the k to which a linear map gives the largest scores.
///
/// ```
/// logits        = x·Gᵀ
/// probabilities = softmax(logits)                            over all experts
/// chosen        = the k most probable, in decreasing order
/// RENORMALISED    weightᵢ = pᵢ / Σ_chosen p                  = softmax over the k chosen logits
/// AS_THEY_ARE     weightᵢ = pᵢ
/// ```
///
/// Of equal scores the expert with the lower index goes first. With k = 1 a renormalised weight is
/// 1 whatever the logits, so the router would learn nothing from the task: Switch takes the
/// probability as it is.
///
/// Shazeer et al. 2017, eq. 3 to 5, arXiv:1701.06538; Fedus et al. 2022, eq. 1 and 2,
/// arXiv:2101.03961; Jiang et al. 2024, section 2.1, arXiv:2401.04088. Answer:
/// `feedforward/moe.md`.
///
/// @param gate G, `[experts, dim]`
/// @param topK how many experts see a token
public record TopKRouter(Tensor gate, int topK, Weighting weighting) {

  /// What a chosen expert's output is multiplied by.
  public enum Weighting {
    /// Its share among the chosen ones: Mixtral.
    RENORMALISED,
    /// Its probability among all: Switch, Qwen2-MoE, DeepSeek-V2.
    AS_THEY_ARE
  }

  /// @throws IllegalArgumentException if `gate` is no matrix or `topK` is not in 1 … experts
  public TopKRouter {
    if (gate.rank() != 2 || gate.size(1) == 0)
      throw new IllegalArgumentException("gate must be [experts, dim], was " + gate);
    if (topK < 1 || topK > gate.size(0))
      throw new IllegalArgumentException(
          "topK must be in 1 … %d experts, was %d".formatted(gate.size(0), topK));
  }

  /// How many experts there are to choose from.
  public int experts() {
    return gate.size(0);
  }

  /// Routes each row of `x [tokens, dim]`.
  ///
  /// @throws IllegalArgumentException if `x` has other sizes
  public Routing route(Tensor x) {
    if (x.rank() != 2 || x.size(1) != gate.size(1))
      throw new IllegalArgumentException(
          "x must be [tokens, %d], was %s".formatted(gate.size(1), x));
    Tensor logits = x.matmulTransposed(gate); // [tokens, experts]
    Tensor probabilities = logits.softmax(LAST);
    int[][] chosen = new int[x.size(0)][];
    for (int token = 0; token < chosen.length; token++) chosen[token] = largest(logits, token);
    int[] flat = Arrays.stream(chosen).flatMapToInt(Arrays::stream).toArray();
    Tensor weights = probabilities.repeat(0, topK).pick(flat).reshape(chosen.length, topK);
    if (weighting == Weighting.RENORMALISED) weights = weights.div(weights.sum(LAST, true));
    return new Routing(logits, probabilities, chosen, weights);
  }

  private int[] largest(Tensor logits, int token) {
    return IntStream.range(0, experts())
        .boxed()
        .sorted(Comparator.comparingDouble((Integer expert) -> -logits.get(token, expert)))
        .mapToInt(Integer::intValue)
        .limit(topK)
        .toArray();
  }
}
