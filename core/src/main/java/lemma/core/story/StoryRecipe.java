package lemma.core.story;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.model.Llama;
import lemma.core.model.LlamaConfig;
import lemma.core.training.AdamW;
import lemma.core.training.ExponentialMovingAverage;
import lemma.core.training.GradientAccumulation;
import lemma.core.training.GradientClipping;
import lemma.core.training.LearningRateSchedule;
import lemma.core.training.StepRandom;
import lemma.core.training.TrainingLoop;
import lemma.core.training.WeightDropout;

/// All settings of the shipped language model: the same recipe and data give the same model.
///
/// @param steps optimiser steps, of `rows` rows of `contextLength` tokens each
/// @param rows rows of a step, each a micro-batch
/// @param learningRate the peak; a cosine falls from there to a twentieth
/// @param dropout share of the weights that a micro-batch does not see
/// @param ruleShare share of the stories that are told by rule, if the corpus has rules
public record StoryRecipe(
    int steps,
    long seed,
    int vocabularySize,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int keyValueHeads,
    int contextLength,
    int rows,
    double learningRate,
    double weightDecay,
    double dropout,
    double ruleShare) {
  private static final long WEIGHTS = -1; // the step whose generator draws the first weights
  private static final long VOCABULARY = -2; // and that for the texts of the vocabulary
  private static final int LONGEST_WARMUP = 40;

  /// @throws IllegalArgumentException if a number does not fit; what belongs to the model or the
  ///     optimiser is checked there
  public StoryRecipe {
    if (steps < 1) throw new IllegalArgumentException("steps must be 1 or more, was " + steps);
    if (rows < 1) throw new IllegalArgumentException("rows must be 1 or more, was " + rows);
  }

  /// The recipe of the shipped model: 1.19 million parameters.
  public static StoryRecipe shipped() {
    return new StoryRecipe(1200, 1, 2048, 128, 352, 5, 4, 2, 256, 4, 2e-3, 0.2, 0.05, 0.4);
  }

  public StoryRecipe withSteps(int newSteps) {
    return new StoryRecipe(
        newSteps,
        seed,
        vocabularySize,
        hiddenSize,
        intermediateSize,
        layers,
        heads,
        keyValueHeads,
        contextLength,
        rows,
        learningRate,
        weightDecay,
        dropout,
        ruleShare);
  }

  public StoryRecipe withSeed(long newSeed) {
    return new StoryRecipe(
        steps,
        newSeed,
        vocabularySize,
        hiddenSize,
        intermediateSize,
        layers,
        heads,
        keyValueHeads,
        contextLength,
        rows,
        learningRate,
        weightDecay,
        dropout,
        ruleShare);
  }

  /// The model for a vocabulary, which may be smaller than asked for if the data are few.
  LlamaConfig model(int vocabulary) {
    return LlamaConfig.small(
        vocabulary, hiddenSize, intermediateSize, layers, heads, keyValueHeads, contextLength);
  }

  Llama initialModel(int vocabulary) {
    RandomGenerator random = StepRandom.of(seed, WEIGHTS);
    return Llama.initialise(model(vocabulary), random);
  }

  TrainingLoop loop(int threads) {
    int warmup = Math.min(LONGEST_WARMUP, steps / 4);
    return new TrainingLoop(
        AdamW.languageModel(weightDecay),
        LearningRateSchedule.Cosine.toFloor(learningRate, warmup, steps, 0.05),
        new GradientClipping.GlobalNorm(1),
        new ExponentialMovingAverage.Ramp(0.99),
        new GradientAccumulation(rows, threads),
        seed);
  }

  WeightDropout weightDropout() {
    return WeightDropout.matrices(dropout);
  }

  /// Stories to learn from.
  StorySource source(StoryCorpus corpus) {
    StorySource written = new StorySource.Written(corpus.training(), StoryCast.children());
    return corpus
        .rules()
        .<StorySource>map(rules -> new StorySource.Mixed(written, rules, ruleShare))
        .orElse(written);
  }

  /// The texts that the vocabulary is learned from: those to train on, and some told by rule.
  List<String> vocabularyTexts(StoryCorpus corpus) {
    List<String> texts = new ArrayList<>(corpus.training());
    RandomGenerator random = StepRandom.of(seed, VOCABULARY);
    corpus
        .rules()
        .ifPresent(rules -> {
          for (int i = 0; i < ruleShare * corpus.training().size(); i++)
            texts.add(rules.draw(random));
        });
    return texts;
  }

  /// All settings by name, for a checkpoint.
  public Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("steps", Integer.toString(steps));
    settings.put("seed", Long.toString(seed));
    settings.put("recipe", toString());
    return settings;
  }
}
