package lemma.sampling.generate;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import lemma.sampling.draw.Draw;
import lemma.sampling.filter.Candidates;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.filter.SamplingKernel;

/// From logits to a token: what a generation does at every step, on one thread.
@FunctionalInterface
public interface TokenSampler {

  /// The next token.
  ///
  /// @param history the tokens so far, prompt included
  /// @param logits the model's scores, which are left as they are
  /// @throws IllegalArgumentException if the logits are no scores
  int next(int[] history, float[] logits, RandomGenerator random);

  /// Any chain of formulas and any way to draw: for chains that the fast form does not have.
  static TokenSampler of(LogitsProcessor chain, Draw draw) {
    return (history, logits, random) -> {
      double[] wide = new double[logits.length];
      Arrays.setAll(wide, i -> logits[i]);
      return draw.token(chain.process(history, wide), random);
    };
  }

  /// The fast form of a configuration, with scratch space of its own.
  static TokenSampler of(GenerationConfig config) {
    return new Fast(config.kernel(), (float) config.repetitionPenalty());
  }

  /// [lemma.sampling.filter.RepetitionPenalty] on a copy of the logits, then [SamplingKernel].
  final class Fast implements TokenSampler {
    private final SamplingKernel kernel;
    private final float penalty;
    private final Candidates scratch = new Candidates();
    private float[] penalised = {};

    private Fast(SamplingKernel kernel, float penalty) {
      this.kernel = kernel;
      this.penalty = penalty;
    }

    @Override
    public int next(int[] history, float[] logits, RandomGenerator random) {
      return kernel.draw(penalty == 1 ? logits : penalise(history, logits), scratch, random);
    }

    private float[] penalise(int[] history, float[] logits) {
      if (penalised.length != logits.length) penalised = new float[logits.length];
      System.arraycopy(logits, 0, penalised, 0, logits.length);
      for (int token : history)
        penalised[token] = logits[token] > 0 ? logits[token] / penalty : logits[token] * penalty;
      return penalised;
    }
  }
}
