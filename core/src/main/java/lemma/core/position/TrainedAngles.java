package lemma.core.position;

import java.util.Arrays;

/// Which angles the pairs of a [Rope] met in training, and how many new ones a longer text would
/// show them.
///
/// ```
/// seen by pair i in training      [0, L·θᵢ)       all there is if L·θᵢ ≥ 2π: it made a turn
/// reached at length n             [0, n·θ′ᵢ)      θ′ after scaling
/// unseen                          max(0, min(2π, n·θ′ᵢ) − min(2π, L·θᵢ))
/// ```
///
/// Fast pairs have seen the whole circle and cannot be surprised; slow ones have seen an arc. Length
/// extrapolation by [RopeScaling] is about the slow ones.
///
/// Peng et al. 2023 (YaRN), section 3.2, arXiv:2309.00071. Answer:
/// `position/length-extrapolation.md`.
///
/// @param trainedLength L, positions 0 … L − 1 and those interpolated between them
public record TrainedAngles(int rotaryDim, double base, int trainedLength) {
  private static final double TURN = 2 * Math.PI;

  /// @throws IllegalArgumentException if a number is not positive or `rotaryDim` is odd
  public TrainedAngles {
    if (rotaryDim <= 0 || rotaryDim % 2 != 0)
      throw new IllegalArgumentException("rotaryDim must be even and positive, was " + rotaryDim);
    if (!(base > 0)) throw new IllegalArgumentException("base must be positive, was " + base);
    if (trainedLength < 1)
      throw new IllegalArgumentException("trainedLength must be 1 or more, was " + trainedLength);
  }

  /// Turns of each pair within the trained length; a pair below 1 has seen an arc of the circle.
  public double[] turns() {
    return Arrays.stream(RopeScaling.unscaled(rotaryDim, base))
        .map(theta -> trainedLength * theta / TURN)
        .toArray();
  }

  /// The first pair that made less than one turn in training; all after it are slower.
  public int firstSlowPair() {
    double[] turns = turns();
    int pair = 0;
    while (pair < turns.length && turns[pair] >= 1) pair++;
    return pair;
  }

  /// Radians of the circle that each pair reaches in a text of `length` and never met in training.
  ///
  /// @throws IllegalArgumentException if `length` is not positive or the scaling does not fit
  public double[] unseen(RopeScaling scaling, int length) {
    if (length < 1) throw new IllegalArgumentException("length must be 1 or more, was " + length);
    double[] trained = RopeScaling.unscaled(rotaryDim, base);
    double[] used = scaling.frequencies(rotaryDim, base);
    double[] unseen = new double[used.length];
    for (int i = 0; i < unseen.length; i++) {
      double seen = Math.min(TURN, trainedLength * trained[i]);
      double reached = Math.min(TURN, length * used[i]);
      unseen[i] = Math.max(0, reached - seen);
    }
    return unseen;
  }

  /// The angle between neighbouring positions, relative to training: below 1, a pair has to tell
  /// positions apart that lie closer than any it has seen.
  public double[] resolution(RopeScaling scaling) {
    double[] resolution = scaling.frequencies(rotaryDim, base);
    double[] unscaled = RopeScaling.unscaled(rotaryDim, base);
    for (int i = 0; i < resolution.length; i++) resolution[i] /= unscaled[i];
    return resolution;
  }
}
