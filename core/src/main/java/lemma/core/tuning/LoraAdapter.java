package lemma.core.tuning;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;

/// The [updates][Lora] of a whole model, by the names of its matrices without `.weight`, such as
/// `model.layers.0.self_attn.q_proj`.
///
/// The model does not know of it: [#merge] gives weights that a model is made of, as a function of
/// A and B through which gradients flow.
///
/// ```
/// Llama tuned = new Llama(base.config(), adapter.merge(base.weights()));
/// loss(tuned).backward().of(adapter.parameters().get("….q_proj.lora_B.weight"))
/// ```
///
/// Answer: `tuning/lora.md`.
public record LoraAdapter(LoraConfig config, Map<String, Lora> updates) {

  /// Keeps the order of `updates`.
  ///
  /// @throws IllegalArgumentException if there is no update
  public LoraAdapter {
    updates = Collections.unmodifiableMap(new LinkedHashMap<>(updates));
    if (updates.isEmpty()) throw new IllegalArgumentException("updates must not be empty");
  }

  /// An adapter that changes nothing yet, with an update for each matrix among `weights` that the
  /// configuration targets.
  ///
  /// @throws IllegalArgumentException if it targets none, or what it targets is no matrix
  public static LoraAdapter initialise(
      LoraConfig config, Map<String, Tensor> weights, RandomGenerator random) {
    Map<String, Lora> updates = new LinkedHashMap<>();
    weights.forEach((name, weight) -> {
      String module = name.endsWith(".weight") ? name.substring(0, name.length() - 7) : name;
      if (name.equals(module) || !config.targets(module)) return;
      if (weight.rank() != 2)
        throw new IllegalArgumentException("target " + name + " must be a matrix, was " + weight);
      updates.put(module, Lora.initialise(config, weight.size(1), weight.size(0), random));
    });
    if (updates.isEmpty())
      throw new IllegalArgumentException(
          "targetModules %s match no weight".formatted(config.targetModules()));
    return new LoraAdapter(config, updates);
  }

  /// A and B of every update, by names as PEFT has them: `<module>.lora_A.weight`.
  public Map<String, Tensor> parameters() {
    Map<String, Tensor> parameters = new LinkedHashMap<>();
    updates.forEach((module, lora) -> {
      parameters.put(module + ".lora_A.weight", lora.a());
      parameters.put(module + ".lora_B.weight", lora.b());
    });
    return parameters;
  }

  /// The same adapter with other numbers, by the names of [#parameters()].
  ///
  /// @throws IllegalArgumentException if one is missing or A and B do not fit
  public LoraAdapter with(Map<String, Tensor> parameters) {
    Map<String, Lora> changed = new LinkedHashMap<>();
    updates.forEach((module, lora) -> {
      Tensor a = parameters.get(module + ".lora_A.weight");
      Tensor b = parameters.get(module + ".lora_B.weight");
      if (a == null || b == null)
        throw new IllegalArgumentException("lora_A or lora_B of " + module + " is missing");
      changed.put(module, new Lora(a, b, lora.scaling()));
    });
    return new LoraAdapter(config, changed);
  }

  /// The same adapter with A and B as leaves of the tape: a loaded one goes on to be trained.
  public LoraAdapter trainable() {
    Map<String, Tensor> leaves = new LinkedHashMap<>();
    parameters().forEach((name, value) -> leaves.put(name, value.parameter()));
    return with(leaves);
  }

  /// All weights, with W + ΔW where there is an update; the others are the same tensors as before.
  ///
  /// @throws IllegalArgumentException if a matrix is missing or has another shape
  public Map<String, Tensor> merge(Map<String, Tensor> weights) {
    return change(weights, Lora::merge);
  }

  /// All weights, with ΔW taken away again: equal to the originals but for rounding.
  ///
  /// @throws IllegalArgumentException if a matrix is missing or has another shape
  public Map<String, Tensor> unmerge(Map<String, Tensor> merged) {
    return change(merged, Lora::unmerge);
  }

  private Map<String, Tensor> change(
      Map<String, Tensor> weights, BiFunction<Lora, Tensor, Tensor> change) {
    Map<String, Tensor> changed = new LinkedHashMap<>(weights);
    updates.forEach((module, lora) -> {
      Tensor weight = weights.get(module + ".weight");
      if (weight == null)
        throw new IllegalArgumentException("the model has no weight " + module + ".weight");
      try {
        changed.put(module + ".weight", change.apply(lora, weight));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(module + ": " + e.getMessage(), e);
      }
    });
    return changed;
  }

  /// How many numbers are trained.
  public long parameterCount() {
    return updates.values().stream().mapToLong(lora -> lora.a().count() + lora.b().count()).sum();
  }
}
