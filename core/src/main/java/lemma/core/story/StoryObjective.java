package lemma.core.story;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.model.Llama;
import lemma.core.model.LlamaConfig;
import lemma.core.tensor.Tensor;
import lemma.core.training.BatchLoss;
import lemma.core.training.CrossEntropy;
import lemma.core.training.Objective;
import lemma.core.training.WeightDropout;

/// Next-token prediction on rows of stories.
///
/// @param rows of each micro-batch, as long as the context
public record StoryObjective(
    LlamaConfig config,
    StoryBatches batches,
    StorySource source,
    int rows,
    WeightDropout dropout)
    implements Objective {
  private static final CrossEntropy LOSS = CrossEntropy.standard();
  private static final int EVALUATED_TOGETHER = 4;

  @Override
  public BatchLoss loss(
      Map<String, Tensor> parameters, long step, int microBatch, RandomGenerator random) {
    StoryBatches.Batch batch = batches.random(source, rows, config.contextLength(), random);
    return loss(dropout.apply(parameters, random), batch);
  }

  private BatchLoss loss(Map<String, Tensor> parameters, StoryBatches.Batch batch) {
    int[] targets = batch.flatTargets();
    Tensor logits = new Llama(config, parameters).forward(batch.inputs());
    Tensor flat = logits.reshape(targets.length, config.vocabularySize());
    return new BatchLoss(LOSS.sum(flat, targets), LOSS.counted(targets));
  }

  /// The mean loss of a token over stories as they are, without gradients and dropout.
  public double evaluate(Map<String, Tensor> parameters, List<String> stories) {
    Map<String, Tensor> constants = new LinkedHashMap<>();
    parameters.forEach((name, value) -> constants.put(name, value.detach()));
    double sum = 0;
    double count = 0;
    for (StoryBatches.Batch batch :
        batches.all(stories, EVALUATED_TOGETHER, config.contextLength())) {
      BatchLoss loss = loss(constants, batch);
      sum += loss.sum().item();
      count += loss.count();
    }
    return sum / count;
  }
}
