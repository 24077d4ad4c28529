package lemma.core.story;

import java.io.IOException;
import java.nio.file.Path;
import lemma.core.format.FormatException;
import lemma.core.model.Llama;
import lemma.core.model.LlamaConfig;
import lemma.core.tokenizer.ByteLevelBpe;
import lemma.core.tokenizer.PublishedPattern;
import lemma.core.training.TrainingCheckpoint;
import lemma.core.training.TrainingLoop;
import lemma.core.training.TrainingState;

/// Trains the story model: vocabulary, first weights, steps, evaluation.
///
/// A pure function of recipe and corpus; the number of threads changes the time, not the result.
public final class StoryTraining {
  private final StoryRecipe recipe;
  private final StoryCorpus corpus;
  private final ByteLevelBpe tokenizer;
  private final LlamaConfig config;
  private final StoryObjective objective;
  private final TrainingLoop loop;

  /// Learns the vocabulary from the stories to train on.
  ///
  /// @param threads how many rows are computed at once
  public StoryTraining(StoryRecipe recipe, StoryCorpus corpus, int threads) {
    this.recipe = recipe;
    this.corpus = corpus;
    tokenizer =
        ByteLevelBpe.train(
            recipe.vocabularyTexts(corpus),
            recipe.vocabularySize(),
            PublishedPattern.GPT2,
            StoryModel.END);
    config = recipe.model(tokenizer.vocabularySize());
    objective =
        new StoryObjective(
            config,
            new StoryBatches(tokenizer, StoryModel.end(tokenizer)),
            recipe.source(corpus),
            1,
            recipe.weightDropout());
    loop = recipe.loop(threads);
  }

  /// The state before the first step.
  public TrainingState begin() {
    return loop.begin(recipe.initialModel(tokenizer.vocabularySize()).weights());
  }

  /// The state of an interrupted run of the same recipe.
  ///
  /// @throws FormatException if the file is damaged or belongs to another recipe
  public TrainingState resume(Path checkpoint) throws IOException {
    TrainingCheckpoint loaded = TrainingCheckpoint.load(checkpoint);
    if (!loaded.settings().equals(recipe.settings()))
      throw new FormatException(
          checkpoint,
          "belongs to a run with %s, not %s".formatted(loaded.settings(), recipe.settings()));
    new Llama(config, loaded.state().parameters()); // the shapes fit
    return loaded.state();
  }

  /// Saves a state so that [#resume] can go on.
  public void save(TrainingState state, Path checkpoint) throws IOException {
    new TrainingCheckpoint(state, recipe.settings()).save(checkpoint);
  }

  /// Steps until the recipe's number is reached or the listener stops.
  public TrainingState run(TrainingState state, TrainingLoop.Listener listener) {
    return loop.run(state, recipe.steps(), objective, listener);
  }

  /// The loss of a token of the stories that were held out, with the averaged weights.
  public double heldOutLoss(TrainingState state) {
    return objective.evaluate(state.average(), corpus.heldOut());
  }

  /// The model with the averaged weights.
  public StoryModel model(TrainingState state) {
    return new StoryModel(new Llama(config, state.average()), tokenizer);
  }

  /// The tokens of the written stories to train on.
  public long trainingTokens() {
    return objective.batches().tokens(corpus.training());
  }

  /// The tokens of the stories held out.
  public long heldOutTokens() {
    return objective.batches().tokens(corpus.heldOut());
  }
}
