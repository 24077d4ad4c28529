package lemma.core.model;

/// Which experts the tokens of a chunk are sent to, and with which shares.
///
/// ```
/// shares = softmax of a token's largest scores        of `perToken` experts, the others have 0
/// ```
final class ExpertChoice {
  private final int experts;
  private final int perToken;
  private final float[] scores; // [chunk, experts]
  private final float[] shares; // [chunk, experts]
  private final int[] tokens; // [chunk]: those of the expert gathered last
  private final float[] tokenShares;

  ExpertChoice(int chunk, int experts, int perToken) {
    this.experts = experts;
    this.perToken = perToken;
    scores = new float[chunk * experts];
    shares = new float[scores.length];
    tokens = new int[chunk];
    tokenShares = new float[chunk];
  }

  /// The router's output, `[chunk, experts]`, to be written before [#choose].
  float[] scores() {
    return scores;
  }

  /// Chooses for the first `count` tokens; of equal scores the first expert's wins.
  void choose(int count) {
    for (int t = 0; t < count; t++) {
      int from = t * experts;
      float largest = Float.NEGATIVE_INFINITY;
      for (int e = 0; e < experts; e++) largest = Math.max(largest, scores[from + e]);
      double sum = 0;
      for (int e = 0; e < experts; e++) {
        double share = chosen(from, e) ? Math.exp(scores[from + e] - largest) : 0;
        shares[from + e] = (float) share;
        sum += share;
      }
      for (int e = 0; e < experts; e++) shares[from + e] /= (float) sum;
    }
  }

  private boolean chosen(int from, int e) {
    float score = scores[from + e];
    int before = 0;
    for (int other = 0; other < experts; other++)
      if (scores[from + other] > score || scores[from + other] == score && other < e) before++;
    return before < perToken;
  }

  /// Copies the rows of the tokens that chose an expert; how many there are.
  int gather(int expert, int count, float[] rows, float[] to, int width) {
    int gathered = 0;
    for (int t = 0; t < count; t++) {
      float share = shares[t * experts + expert];
      if (share == 0) continue;
      System.arraycopy(rows, t * width, to, gathered * width, width);
      tokens[gathered] = t;
      tokenShares[gathered++] = share;
    }
    return gathered;
  }

  /// Adds what the expert made of them, times its share, to the rows of these tokens.
  void scatter(float[] made, int gathered, float[] rows, int width) {
    for (int i = 0; i < gathered; i++)
      for (int j = 0; j < width; j++)
        rows[tokens[i] * width + j] += tokenShares[i] * made[i * width + j];
  }
}
