package lemma.sampling.generate;

import lemma.sampling.filter.Dry;
import lemma.sampling.filter.NoRepeatNGram;
import lemma.sampling.filter.PresenceFrequencyPenalty;
import lemma.sampling.filter.RepetitionPenalty;

/// What is held against tokens that prompt and answer hold already.
///
/// @param repetition 1 is off, see [RepetitionPenalty]
/// @param presence 0 is off, see [PresenceFrequencyPenalty]
/// @param frequency 0 is off
/// @param noRepeatNGram 0 is off, see [NoRepeatNGram]
/// @param dry multiplier 0 is off
public record Penalties(
    double repetition, double presence, double frequency, int noRepeatNGram, Dry dry) {
  /// Repeat as you like.
  public static final Penalties NONE = new Penalties(1, 0, 0, 0, new Dry(0, 1.75, 2));

  /// @throws IllegalArgumentException naming the penalty that is outside its range
  public Penalties {
    new RepetitionPenalty(repetition);
    new PresenceFrequencyPenalty(presence, frequency);
    if (noRepeatNGram < 0)
      throw new IllegalArgumentException(
          "noRepeatNGram must be 0 (off) or more, was " + noRepeatNGram);
  }

  public Penalties withRepetition(double penalty) {
    return new Penalties(penalty, presence, frequency, noRepeatNGram, dry);
  }

  public Penalties withPresence(double penalty) {
    return new Penalties(repetition, penalty, frequency, noRepeatNGram, dry);
  }

  public Penalties withFrequency(double penalty) {
    return new Penalties(repetition, presence, penalty, noRepeatNGram, dry);
  }

  public Penalties withNoRepeatNGram(int n) {
    return new Penalties(repetition, presence, frequency, n, dry);
  }

  public Penalties withDry(Dry settings) {
    return new Penalties(repetition, presence, frequency, noRepeatNGram, settings);
  }
}
