package lemma.docs.command;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import lemma.core.format.FloatFormat;
import lemma.core.model.LlamaDecoder;
import lemma.core.story.StoryCorpus;
import lemma.core.story.StoryModel;
import lemma.core.story.StoryRecipe;
import lemma.core.story.StoryTraining;
import lemma.core.tensor.Tensor;
import lemma.sampling.generate.FinishReason;
import lemma.sampling.generate.Generation;
import lemma.sampling.generate.GenerationConfig;
import lemma.sampling.generate.Generator;

/// The model card: what the model is, how it was trained, what it says.
record TrainLmCard(
    StoryRecipe recipe,
    StoryCorpus corpus,
    StoryTraining training,
    StoryModel model,
    TrainLmCurve curve,
    int threads) {
  private static final List<String> PROMPTS =
      List.of("Once upon a time", "One day, Tom", "The little cat", "从前", "有一天，小明");
  private static final double TEMPERATURE = 0.8;
  private static final int TOP_K = 40;
  private static final int TOKENS = 120;

  String text() {
    long parameters = model.model().weights().values().stream().mapToLong(Tensor::count).sum();
    return """
    # Storyteller

    A language model of %,d parameters that tells small stories, in English and in Chinese. It was
    trained from scratch by this project's own code on the stories in `core/data/stories`, and is
    there to be looked into: small enough to train again over a coffee, real enough that sampling,
    caches, quantisation and adapters do to it what they do to a large one. It knows nothing but
    these stories: sentences come out right more often than plots do.

    License: Apache-2.0, as the project. The data were written for the project.

    ## The model

    | | |
    |---|---|
    | architecture | Llama: RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied embeddings |
    | layers, width, feed-forward | %d, %d, %d |
    | query heads, key/value heads | %d, %d |
    | context | %d tokens |
    | vocabulary | %d, byte-level BPE trained on the same stories; `<|endoftext|>` ends a story |
    | weights | 16-bit floats |

    ## How it was trained

    | | |
    |---|---|
    | data | %d written stories, %,d tokens; another %d, %,d tokens, were held out (every %dth) |
    | told by rule | %.0f %% of the stories, from `plain.grammar` |
    | steps | %d, each of %d × %d tokens: the written stories about %.0f times |
    | optimiser | AdamW, peak rate %s with a cosine down to a twentieth, decay %s on matrices, clipping at norm 1 |
    | against learning by heart | weight dropout %s; names of the children exchanged at random; averaged weights (EMA) |
    | loss of a token | training %.3f (with dropout), held out **%.4f**, perplexity %.1f |
    | time | %.1f minutes, %d threads on %s |
    | JDK | %s |
    | command | `./lemma train lm --steps %d --seed %d` |

    There are few written stories, and the model is large for them: left alone, it learns them by
    heart. The training loss is lower than the held-out loss because stories told by rule are easy, and
    because the others become familiar; only written ones are held out.

    | step | training loss | held-out loss | minutes |
    |---|---|---|---|
    %s
    ## What it says

    Temperature %s, top-k %d, seeds 1, 2, …; the prompt is in bold. Nothing was picked.

    %s\
    """
        .formatted(
            parameters,
            recipe.layers(),
            recipe.hiddenSize(),
            recipe.intermediateSize(),
            recipe.heads(),
            recipe.keyValueHeads(),
            recipe.contextLength(),
            model.tokenizer().vocabularySize(),
            corpus.training().size(),
            training.trainingTokens(),
            corpus.heldOut().size(),
            training.heldOutTokens(),
            StoryCorpus.EVERY,
            100 * ruleShare(),
            recipe.steps(),
            recipe.rows(),
            recipe.contextLength(),
            passes(),
            recipe.learningRate(),
            recipe.weightDecay(),
            recipe.dropout(),
            curve.last().training(),
            curve.last().heldOut(),
            Math.exp(curve.last().heldOut()),
            curve.last().seconds() / 60,
            threads,
            Machine.name(),
            Runtime.version(),
            recipe.steps(),
            recipe.seed(),
            rows(),
            TEMPERATURE,
            TOP_K,
            samples());
  }

  private double ruleShare() {
    return corpus.rules().isPresent() ? recipe.ruleShare() : 0;
  }

  /// How often each written story was seen, taking both kinds to be equally long.
  private double passes() {
    double tokens = (double) recipe.steps() * recipe.rows() * recipe.contextLength();
    return tokens * (1 - ruleShare()) / training.trainingTokens();
  }

  private String rows() {
    StringBuilder rows = new StringBuilder();
    for (TrainLmCurve.Point point : curve.points())
      if (point.step() % 100 == 0 || point == curve.last())
        rows.append(
            String.format(
                Locale.ROOT,
                "| %d | %.3f | %.3f | %.1f |%n",
                point.step(),
                point.training(),
                point.heldOut(),
                point.seconds() / 60));
    return rows.toString();
  }

  private String samples() {
    GenerationConfig config =
        GenerationConfig.sampled(TOKENS, TEMPERATURE, TOP_K, 1).withEndTokens(Set.of(model.end()));
    StringBuilder text = new StringBuilder();
    try (LlamaDecoder decoder = LlamaDecoder.of(model.model(), FloatFormat.F16, 1)) {
      Generator generator = new Generator(decoder, model.tokenizer()::bytes, config);
      for (int seed = 1; seed <= PROMPTS.size(); seed++) {
        String prompt = PROMPTS.get(seed - 1);
        RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(seed);
        Generation said = generator.generate(model.tokenizer().encode(prompt), random);
        String end = said.finishReason() == FinishReason.END_OF_TEXT ? "" : " …";
        text.append("> **%s**%s%s\n\n".formatted(prompt, said.text(), end));
      }
    }
    return text.toString();
  }
}
