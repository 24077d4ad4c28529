package lemma.sampling;

import static lemma.proof.Numbers.random;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import lemma.core.model.LanguageModel;

/// A model for proofs whose logits depend on every token of the text: who remembers a wrong history
/// gets other numbers.
public record HistoryModel(int vocabularySize, int contextLength, long seed)
    implements LanguageModel {

  @Override
  public Session open() {
    return new Session() {
      private int[] tokens = {};

      @Override
      public float[] append(int... added) {
        if (added.length == 0 || tokens.length + added.length > contextLength)
          throw new IllegalArgumentException(tokens.length + " + " + added.length + " tokens");
        int from = tokens.length;
        tokens = Arrays.copyOf(tokens, from + added.length);
        System.arraycopy(added, 0, tokens, from, added.length);
        RandomGenerator random = random(seed + Arrays.hashCode(tokens));
        float[] logits = new float[vocabularySize];
        for (int i = 0; i < vocabularySize; i++) logits[i] = random.nextFloat(-2, 2);
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
