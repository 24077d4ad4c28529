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
/// Every other row begins without the first end-of-text token, so that the model can go on from a
/// bare prompt as well.
public final class StoryBatches {
  private static final int IGNORED = -100;

  private final List<int[]> stories = new ArrayList<>();
  private final int end;

  /// @param end the token behind every story
  public StoryBatches(List<String> stories, Tokenizer tokenizer, int end) {
    for (String story : stories) this.stories.add(tokenizer.encode(story));
    this.end = end;
  }

  /// Inputs and targets, `[rows][length]` each; a target of −100 does not count.
  public record Batch(int[][] inputs, int[][] targets) {

    /// The targets of all rows behind each other.
    public int[] flatTargets() {
      return Arrays.stream(targets).flatMapToInt(Arrays::stream).toArray();
    }
  }

  /// The number of tokens of all stories, each with its end.
  public long tokens() {
    return stories.stream().mapToLong(story -> story.length + 1).sum();
  }

  /// Rows of stories drawn at random; the last story of a row may be cut off.
  public Batch random(int rows, int length, RandomGenerator random) {
    int[][] inputs = new int[rows][];
    int[][] targets = new int[rows][];
    for (int row = 0; row < rows; row++) {
      int[] tokens = new int[length + 1];
      int count = 0;
      if (random.nextBoolean()) tokens[count++] = end;
      while (count <= length) {
        int[] story = stories.get(random.nextInt(stories.size()));
        int copied = Math.min(story.length, length + 1 - count);
        System.arraycopy(story, 0, tokens, count, copied);
        count += copied;
        if (count <= length) tokens[count++] = end;
      }
      inputs[row] = Arrays.copyOf(tokens, length);
      targets[row] = Arrays.copyOfRange(tokens, 1, length + 1);
    }
    return new Batch(inputs, targets);
  }

  /// Every story once, a row each, between two end-of-text tokens; cut off after `length` tokens.
  public List<Batch> all(int rows, int length) {
    List<Batch> batches = new ArrayList<>();
    for (int from = 0; from < stories.size(); from += rows) {
      List<int[]> part = stories.subList(from, Math.min(from + rows, stories.size()));
      int width =
          Math.min(length, part.stream().mapToInt(story -> story.length + 1).max().orElse(0));
      int[][] inputs = new int[part.size()][width];
      int[][] targets = new int[part.size()][width];
      for (int row = 0; row < part.size(); row++) {
        int[] story = part.get(row);
        Arrays.fill(inputs[row], end);
        Arrays.fill(targets[row], IGNORED);
        System.arraycopy(story, 0, inputs[row], 1, Math.min(story.length, width - 1));
        System.arraycopy(story, 0, targets[row], 0, Math.min(story.length, width));
        if (story.length < width) targets[row][story.length] = end;
      }
      batches.add(new Batch(inputs, targets));
    }
    return batches;
  }
}
