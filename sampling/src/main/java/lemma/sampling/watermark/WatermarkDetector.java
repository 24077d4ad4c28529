package lemma.sampling.watermark;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Finds the mark: too many green tokens to be chance.
///
/// ```
/// z = (|green| − γT) / √(T·γ·(1 − γ))       T tokens scored
/// ```
///
/// In a text that knows nothing of the key each token is green with probability γ, so z is nearly
/// standard normal: z > 4 comes once in 30,000 texts. That holds if the tokens' lists are
/// independent, so a repeated run (context and token) is scored once.
///
/// Kirchenbauer et al. 2023, eq. 3, arXiv:2301.10226. Answer: `sampling/watermark.md`.
public record WatermarkDetector(GreenList list) {

  /// What was found.
  ///
  /// @param scored T: tokens counted
  /// @param green how many of them are green
  /// @param z the score
  public record Detection(int scored, int green, double z) {
    /// The share of green tokens.
    public double greenShare() {
      return green / (double) scored;
    }
  }

  /// Scores a text; its first `context` tokens only seed.
  ///
  /// @throws IllegalArgumentException if the text is too short to score a token, or has a token
  ///     outside the vocabulary
  public Detection detect(int... text) {
    int context = list.context();
    if (text.length <= context)
      throw new IllegalArgumentException(
          "a text of %d tokens is too short, expected more than %d"
              .formatted(text.length, context));
    for (int token : text)
      if (token < 0 || token >= list.vocabularySize())
        throw new IllegalArgumentException(
            "text has token %d, the green list %d tokens".formatted(token, list.vocabularySize()));
    Set<List<Integer>> seen = new HashSet<>();
    int scored = 0;
    int green = 0;
    for (int t = context; t < text.length; t++) {
      if (!seen.add(Arrays.stream(text, t - context, t + 1).boxed().toList())) continue;
      scored++;
      if (list.after(text, t)[text[t]]) green++;
    }
    double gamma = list.size() / (double) list.vocabularySize(); // γ, rounded to whole tokens
    double z = (green - gamma * scored) / Math.sqrt(scored * gamma * (1 - gamma));
    return new Detection(scored, green, z);
  }
}
