package lemma.core.story;

import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.model.Llama;
import lemma.core.model.LlamaConfig;
import lemma.core.tensor.Tensor;
import lemma.core.training.BatchLoss;
import lemma.core.training.CrossEntropy;
import lemma.core.training.Objective;

/// Next-token prediction on rows of stories.
public record StoryObjective(LlamaConfig config, StoryBatches batches, int rows)
    implements Objective {
  private static final CrossEntropy LOSS = CrossEntropy.standard();

  @Override
  public BatchLoss loss(
      Map<String, Tensor> parameters, long step, int microBatch, RandomGenerator random) {
    return loss(parameters, batches.random(rows, config.contextLength(), random));
  }

  private BatchLoss loss(Map<String, Tensor> parameters, StoryBatches.Batch batch) {
    Tensor logits = new Llama(config, parameters).forward(batch.inputs());
    int[] targets = batch.flatTargets();
    Tensor flat = logits.reshape(targets.length, config.vocabularySize());
    return new BatchLoss(LOSS.sum(flat, targets), LOSS.counted(targets));
  }

  /// The mean loss per token over every story once, without gradients.
  public static double evaluate(
      LlamaConfig config, Map<String, Tensor> parameters, StoryBatches stories) {
    Map<String, Tensor> constants = new java.util.LinkedHashMap<>();
    parameters.forEach((name, value) -> constants.put(name, value.detach()));
    StoryObjective objective = new StoryObjective(config, stories, 1);
    double sum = 0;
    double count = 0;
    for (StoryBatches.Batch batch : stories.all(4, config.contextLength())) {
      BatchLoss loss = objective.loss(constants, batch);
      sum += loss.sum().item();
      count += loss.count();
    }
    return sum / count;
  }
}
