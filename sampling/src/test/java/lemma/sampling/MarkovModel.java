package lemma.sampling;

import java.util.Arrays;
import lemma.core.model.LanguageModel;

/// An exact language model for proofs: P(next | last) is a table.
public record MarkovModel(double[][] probabilities, int contextLength) implements LanguageModel {

  @Override
  public int vocabularySize() {
    return probabilities.length;
  }

  @Override
  public Session open() {
    return new Session() {
      private final float[] logits = new float[probabilities.length];
      private int[] tokens = {};

      @Override
      public float[] append(int... added) {
        if (added.length == 0 || tokens.length + added.length > contextLength)
          throw new IllegalArgumentException(tokens.length + " + " + added.length + " tokens");
        int from = tokens.length;
        tokens = Arrays.copyOf(tokens, from + added.length);
        System.arraycopy(added, 0, tokens, from, added.length);
        double[] row = probabilities[tokens[tokens.length - 1]];
        for (int i = 0; i < row.length; i++) logits[i] = (float) Math.log(row[i]);
        return logits;
      }

      @Override
      public int position() {
        return tokens.length;
      }

      @Override
      public void rewind(int position) {
        if (position < 0 || position > tokens.length)
          throw new IllegalArgumentException("position " + position + " of " + tokens.length);
        tokens = Arrays.copyOf(tokens, position);
      }
    };
  }
}
