package lemma.core.story;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import lemma.core.tokenizer.Tokenizer;

/// Rows of tokens to learn from: stories one behind the other, an end-of-text token after each.
///
/// ```
/// input    e  s₁ s₂ … sₙ e  t₁ t₂ …
/// target   s₁ s₂ … sₙ e  t₁ t₂ …        the next token of each
/// ```
///
/// @param end the token behind every story
public record StoryBatches(Tokenizer tokenizer, int end) {
  private static final int IGNORED = -100;

  /// Inputs and targets, `[rows][length]` each; a target of −100 does not count.
  public record Batch(int[][] inputs, int[][] targets) {

    /// The targets of all rows behind each other.
    public int[] flatTargets() {
      return Arrays.stream(targets).flatMapToInt(Arrays::stream).toArray();
    }
  }

  /// The number of tokens of stories, each with its end.
  public long tokens(List<String> stories) {
    return stories.stream().mapToLong(story -> tokenizer.encode(story).length + 1L).sum();
  }

  /// Rows of stories drawn at random; the last story of a row is cut off. Every other row begins
  /// without the end-of-text token, so that the model can go on from a bare prompt as well.
  public Batch random(StorySource source, int rows, int length, RandomGenerator random) {
    int[][] inputs = new int[rows][];
    int[][] targets = new int[rows][];
    for (int row = 0; row < rows; row++) {
      int[] tokens = new int[length + 1];
      int count = 0;
      if (random.nextBoolean()) tokens[count++] = end;
      while (count <= length) {
        int[] ids = tokenizer.encode(source.draw(random));
        int copied = Math.min(ids.length, length + 1 - count);
        System.arraycopy(ids, 0, tokens, count, copied);
        count += copied;
        if (count <= length) tokens[count++] = end;
      }
      inputs[row] = Arrays.copyOf(tokens, length);
      targets[row] = Arrays.copyOfRange(tokens, 1, length + 1);
    }
    return new Batch(inputs, targets);
  }

  /// Every story once as it is, a row each, between two end-of-text tokens; cut off after `length`
  /// tokens.
  public List<Batch> all(List<String> stories, int rows, int length) {
    List<Batch> batches = new ArrayList<>();
    for (int from = 0; from < stories.size(); from += rows)
      batches.add(
          batch(
              stories.subList(from, Math.min(from + rows, stories.size())).stream()
                  .map(tokenizer::encode)
                  .toList(),
              length));
    return batches;
  }

  private Batch batch(List<int[]> rows, int length) {
    int width = Math.min(length, rows.stream().mapToInt(ids -> ids.length + 1).max().orElse(0));
    int[][] inputs = new int[rows.size()][width];
    int[][] targets = new int[rows.size()][width];
    for (int row = 0; row < rows.size(); row++) {
      int[] ids = rows.get(row);
      Arrays.fill(inputs[row], end);
      Arrays.fill(targets[row], IGNORED);
      System.arraycopy(ids, 0, inputs[row], 1, Math.min(ids.length, width - 1));
      System.arraycopy(ids, 0, targets[row], 0, Math.min(ids.length, width));
      if (ids.length < width) targets[row][ids.length] = end;
    }
    return new Batch(inputs, targets);
  }
}
