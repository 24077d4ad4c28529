package lemma.sampling.speculative;

import java.util.random.RandomGenerator;

/// Guesses how a text goes on. A bad guess costs time; the text that comes out is the target's.
///
/// For one text at a time, on one thread.
public interface Draft {

  /// Guessed tokens and the distributions that they were drawn from, one row each.
  record Guess(int[] tokens, double[][] distributions) {
    static final Guess NONE = new Guess(new int[0], new double[0][]);

    /// @throws IllegalArgumentException if there are not as many distributions as tokens
    public Guess {
      if (tokens.length != distributions.length)
        throw new IllegalArgumentException(
            "%d tokens with %d distributions".formatted(tokens.length, distributions.length));
    }
  }

  /// Up to `most` tokens after `text`; none if there is nothing to go by.
  Guess guess(int[] text, int most, RandomGenerator random);
}
