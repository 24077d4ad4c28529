package lemma.core.training;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// A generator for each step and micro-batch, derived from the seed of the run.
///
/// No generator lives longer than its micro-batch, so there is no state to save: step 1000 draws the
/// same numbers in a resumed run, and on any thread.
public final class StepRandom {
  private static final long GOLDEN_RATIO = 0x9E3779B97F4A7C15L;

  private StepRandom() {}

  /// The generator of one micro-batch of one step.
  public static RandomGenerator of(long seed, long step, int microBatch) {
    long mixed = mix(mix(mix(seed) + step) + microBatch);
    return RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(mixed);
  }

  /// The generator of one step, or of anything else that is counted: an epoch's order.
  public static RandomGenerator of(long seed, long step) {
    return of(seed, step, 0);
  }

  /// SplitMix64's step: neighbouring seeds give unrelated ones.
  private static long mix(long value) {
    long z = value + GOLDEN_RATIO;
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }
}
