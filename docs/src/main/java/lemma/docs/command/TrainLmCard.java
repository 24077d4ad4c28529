package lemma.docs.command;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import lemma.core.format.FloatFormat;
import lemma.core.model.LanguageModel;
import lemma.core.model.LlamaDecoder;
import lemma.core.story.StoryCorpus;
import lemma.core.story.StoryModel;
import lemma.core.story.StoryRecipe;
import lemma.core.story.StoryTraining;
import lemma.core.tensor.Tensor;

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
    these stories; do not ask it questions.

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
    | data | %d stories, %,d tokens; another %d stories, %,d tokens, were held out (every %dth) |
    | steps | %d of %d × %d tokens: %.0f times the data |
    | optimiser | AdamW, peak rate %s with a cosine down to a twentieth, decay %s on matrices, clipping at norm 1 |
    | against learning by heart | weight dropout %s; names of the children exchanged at random; averaged weights (EMA) |
    | loss of a token | training %.3f (with dropout), held out **%.4f**, perplexity %.1f |
    | time | %.1f minutes, %d threads on %s |
    | JDK | %s |
    | command | `./lemma train lm --steps %d --seed %d` |

    There are few stories, and the model is large for them. Without the measures named above the
    held-out loss turns after some twenty passes over the data, while the training loss goes on
    falling: the model begins to recite. The number of steps is where the held-out loss has
    levelled off.

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
            recipe.steps(),
            recipe.rows(),
            recipe.contextLength(),
            (double) recipe.steps()
                * recipe.rows()
                * recipe.contextLength()
                / training.trainingTokens(),
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
    StringBuilder text = new StringBuilder();
    try (LlamaDecoder decoder = LlamaDecoder.of(model.model(), FloatFormat.F16, 1)) {
      for (int seed = 1; seed <= PROMPTS.size(); seed++) {
        String prompt = PROMPTS.get(seed - 1);
        RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(seed);
        text.append("> **%s**%s\n\n".formatted(prompt, continuation(decoder, prompt, random)));
      }
    }
    return text.toString();
  }

  private String continuation(LanguageModel decoder, String prompt, RandomGenerator random) {
    LanguageModel.Session session = decoder.open();
    float[] logits = session.append(model.tokenizer().encode(prompt));
    int[] ids = new int[TOKENS];
    for (int count = 0; count < TOKENS; count++) {
      int id = draw(logits, random);
      if (id == model.end()) return model.tokenizer().decode(Arrays.copyOf(ids, count));
      ids[count] = id;
      logits = session.append(id);
    }
    return model.tokenizer().decode(ids) + " …";
  }

  private static int draw(float[] logits, RandomGenerator random) {
    int[] best =
        IntStream.range(0, logits.length)
            .boxed()
            .sorted(Comparator.comparing((Integer id) -> -logits[id]))
            .limit(TOP_K)
            .mapToInt(Integer::intValue)
            .toArray();
    double[] weights =
        Arrays.stream(best)
            .mapToDouble(id -> Math.exp((logits[id] - logits[best[0]]) / TEMPERATURE))
            .toArray();
    double left = random.nextDouble() * Arrays.stream(weights).sum();
    for (int i = 0; i < best.length; i++) {
      left -= weights[i];
      if (left < 0) return best[i];
    }
    return best[0];
  }
}
