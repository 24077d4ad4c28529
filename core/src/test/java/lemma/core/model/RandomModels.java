package lemma.core.model;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Gradients;
import lemma.core.tensor.Tensor;
import lemma.proof.Proof;
import lemma.proof.Refusal;

/// What the proofs of all models have in common.
final class RandomModels {
  private RandomModels() {}

  /// Weights with biases and gains that are not their neutral values, so that each one counts.
  static Map<String, Tensor> weights(ModelConfig config, RandomGenerator random) {
    Map<String, Tensor> weights = new LinkedHashMap<>();
    config
        .weightShapes()
        .forEach((name, shape) -> {
          Tensor noise = Tensor.gaussian(random, shape);
          boolean gain = shape.length == 1 && !name.endsWith("bias");
          weights.put(name, gain ? noise.mul(0.1).add(1) : noise.mul(0.4));
        });
    return weights;
  }

  static int[] tokens(int count, ModelConfig config, RandomGenerator random) {
    return random.ints(count, 0, config.vocabularySize()).toArray();
  }

  /// The same weights with one of them replaced.
  static Map<String, Tensor> with(Map<String, Tensor> weights, String name, Tensor weight) {
    Map<String, Tensor> changed = new LinkedHashMap<>(weights);
    changed.put(name, weight.detach());
    return changed;
  }

  /// Holds the gradient of every weight against the slope of the loss along a random direction.
  static void gradients(
      Map<String, Tensor> weights, Function<Map<String, Tensor>, Tensor> loss, Proof proof) {
    Map<String, Tensor> leaves = Weights.trainable(weights);
    Gradients gradients = loss.apply(leaves).backward();
    double h = 2e-6;
    leaves.forEach((name, weight) -> {
      Tensor direction = Tensor.gaussian(random(name.hashCode()), weight.shape());
      double slope =
          (loss.apply(with(weights, name, weight.add(direction.mul(h)))).item()
                  - loss.apply(with(weights, name, weight.add(direction.mul(-h)))).item())
              / (2 * h);
      double along = gradients.of(weight).mul(direction).sum().item();
      // the difference quotient is good to h² and to 1e-16/h
      proof.atMost("|Δ| of a slope", Math.abs(along - slope) / Math.max(1, Math.abs(slope)), 1e-6);
    });
  }

  /// Holds a session that was fed in pieces against the logits `[time, vocabulary]` of the whole text,
  /// relative to the largest of them.
  static void sessionEquals(
      LanguageModel model, int[] tokens, int first, Tensor whole, double bound, Proof proof) {
    double largest = whole.abs().max().item();
    var session = model.open();
    float[] logits = session.append(Arrays.copyOf(tokens, first));
    for (int t = first; ; logits = session.append(tokens[t++])) {
      double[] expected = whole.select(0, t - 1).toArray();
      proof.atMost("relative gap", gap(doubles(logits), expected) / largest, bound);
      if (t == tokens.length) break;
    }
    // the same once more, the rows of each part at once
    session.rewind(0);
    for (int from = 0, to = first; from < to; from = to, to = tokens.length) {
      float[] rows = new float[(to - from) * whole.size(1)];
      session.appendEach(rows, Arrays.copyOfRange(tokens, from, to));
      double[] expected = whole.slice(0, from, to).toArray();
      proof.atMost("relative gap of rows", gap(doubles(rows), expected) / largest, bound);
    }
    Refusal.of(() -> session.appendEach(new float[0], tokens[0]), "logits", "the array has 0");
  }
}
