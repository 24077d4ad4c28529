package lemma.sampling.search;

import java.util.Arrays;
import java.util.Set;
import java.util.stream.IntStream;
import lemma.sampling.filter.Logits;

/// Contrastive search: a probable token whose hidden state is unlike those of the text so far.
///
/// ```
/// score(v) = (1 − α)·P(v) − α·maxⱼ cos(h_v, hⱼ)      v among the k most probable, j in the text
/// ```
///
/// `h_v` is the state that the model has after v, so each candidate is read once. P is over the
/// whole vocabulary. α = 0 is greedy search, α = 1 looks at the states alone. It is deterministic.
///
/// Su et al. 2022, eq. 5, arXiv:2202.06417. Answer: `sampling/contrastive-search.md`.
///
/// @param alpha weight of the degeneration penalty
/// @param k candidates of a step
/// @param maxTokens most tokens to append
/// @param endTokens tokens that end a text
public record ContrastiveSearch(double alpha, int k, int maxTokens, Set<Integer> endTokens) {

  /// @throws IllegalArgumentException if `alpha` is outside [0, 1], or `k` or `maxTokens` less than 1
  public ContrastiveSearch {
    if (!(alpha >= 0 && alpha <= 1))
      throw new IllegalArgumentException("alpha must be in [0, 1], was " + alpha);
    if (k < 1) throw new IllegalArgumentException("k must be 1 or more, was " + k);
    if (maxTokens < 1)
      throw new IllegalArgumentException("maxTokens must be 1 or more, was " + maxTokens);
    endTokens = Set.copyOf(endTokens);
  }

  /// The tokens after `prompt`, an end token included.
  ///
  /// @throws IllegalArgumentException if the prompt is empty or the model's logits are no scores
  public int[] search(NextToken model, HiddenStates states, int[] prompt) {
    if (prompt.length == 0) throw new IllegalArgumentException("prompt must have a token");
    int[] text = prompt;
    while (text.length - prompt.length < maxTokens) {
      text = Arrays.copyOf(text, text.length + 1);
      text[text.length - 1] = next(model, states, Arrays.copyOf(text, text.length - 1));
      if (endTokens.contains(text[text.length - 1])) break;
    }
    return Arrays.copyOfRange(text, prompt.length, text.length);
  }

  private int next(NextToken model, HiddenStates states, int[] text) {
    double[] probabilities = Logits.softmax(model.logits(text));
    int[] candidates =
        IntStream.range(0, probabilities.length)
            .filter(v -> probabilities[v] > 0)
            .boxed()
            .sorted((v, w) -> Double.compare(probabilities[w], probabilities[v]))
            .limit(k)
            .mapToInt(Integer::intValue)
            .toArray();
    double[][] context = states.of(text);
    double[][] after = new double[candidates.length][];
    int[] longer = Arrays.copyOf(text, text.length + 1);
    for (int c = 0; c < candidates.length; c++) {
      longer[text.length] = candidates[c];
      after[c] = states.of(longer)[text.length];
    }
    double[] p = Arrays.stream(candidates).mapToDouble(v -> probabilities[v]).toArray();
    return candidates[Logits.argMax(scores(p, after, context))];
  }

  /// The scores of candidates by their probabilities and states; of equals the first, the most
  /// probable one, is taken.
  ///
  /// @throws IllegalArgumentException if there is no context, or sizes differ
  public double[] scores(double[] probabilities, double[][] after, double[][] context) {
    if (probabilities.length != after.length)
      throw new IllegalArgumentException(
          "%d probabilities with %d states".formatted(probabilities.length, after.length));
    double[] scores = new double[after.length];
    for (int c = 0; c < scores.length; c++)
      scores[c] = (1 - alpha) * probabilities[c] - alpha * degenerationPenalty(after[c], context);
    return scores;
  }

  /// maxⱼ cos(h, hⱼ): how much a state repeats one of the text.
  ///
  /// @throws IllegalArgumentException if there is no context, or sizes differ
  public static double degenerationPenalty(double[] state, double[][] context) {
    return Arrays.stream(context)
        .mapToDouble(earlier -> cosine(state, earlier))
        .max()
        .orElseThrow(() -> new IllegalArgumentException("context must have a state"));
  }

  private static double cosine(double[] a, double[] b) {
    if (a.length != b.length)
      throw new IllegalArgumentException(
          "states must be as long, were %d and %d".formatted(a.length, b.length));
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      dot += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
    }
    return dot == 0 ? 0 : dot / Math.sqrt(aa * bb);
  }
}
