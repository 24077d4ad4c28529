package lemma.core.story;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import lemma.core.model.LanguageModel;
import lemma.core.model.LlamaDecoder;
import lemma.core.tensor.Tensor;
import lemma.core.training.WeightDropout;
import org.junit.jupiter.api.Test;

/// The shipped model is what its card says.
class StorytellerTest {
  private static final Path FOLDER = Path.of("models/storyteller");

  @Test
  void it_is_small() throws IOException {
    assertThat(Files.size(FOLDER.resolve("model.safetensors"))).isLessThan(3_000_000);
    long parameters =
        StoryModel.load(FOLDER).model().weights().values().stream().mapToLong(Tensor::count).sum();
    assertThat(parameters).isLessThan(2_000_000);
    assertThat(Files.readString(FOLDER.resolve("README.md")))
        .contains("A language model of %,d parameters".formatted(parameters));
  }

  @Test
  void its_loss_on_stories_it_has_not_seen_is_that_of_the_card() throws IOException {
    List<String> curve = Files.readAllLines(FOLDER.resolve("curve.csv"));
    String stated = curve.getLast().split(",")[2];
    assertThat(Files.readString(FOLDER.resolve("README.md"))).contains("**" + stated + "**");
    StoryModel model = StoryModel.load(FOLDER);
    StoryCorpus corpus = StoryCorpus.read(Path.of("data/stories"));
    var objective =
        new StoryObjective(
            model.model().config(),
            new StoryBatches(model.tokenizer(), model.end()),
            new StorySource.Written(corpus.training(), StoryCast.unchanged()),
            1,
            WeightDropout.matrices(0));
    double loss = objective.evaluate(model.model().weights(), corpus.heldOut());
    // stated with 4 places, before the weights were rounded to 11 bits
    assertThat(Math.abs(loss - Double.parseDouble(stated))).isLessThan(2e-3);
  }

  @Test
  void its_vocabulary_is_learned_from_the_shipped_stories() throws IOException {
    StoryCorpus corpus = StoryCorpus.read(Path.of("data/stories"));
    var training = new StoryTraining(StoryRecipe.shipped(), corpus, 1);
    assertThat(training.model(training.begin()).tokenizer().tokens())
        .isEqualTo(StoryModel.load(FOLDER).tokenizer().tokens());
  }

  @Test
  void it_goes_on_with_the_same_tokens_everywhere() throws IOException {
    StoryModel model = StoryModel.load(FOLDER);
    int[] prompt = model.tokenizer().encode("Once upon a time");
    int[] wanted = {
      44, 477, 286, 258, 474, 803, 729, 286, 647, 408, 261, 1045, 46, 289, 1156, 673, 366, 298, 46,
      266, 1049, 384, 847, 294
    };
    assertThat(greedy(model.model(), prompt, 24)).isEqualTo(wanted);
    try (LlamaDecoder fast = LlamaDecoder.open(FOLDER, 2)) {
      assertThat(greedy(fast, prompt, 24)).isEqualTo(wanted);
    }
    assertThat(model.tokenizer().decode(wanted))
        .isEqualTo(
            ", there was a little duck who was afraid of the dark. The others laughed at it."
                + " \"Come with us,\"");
  }

  private static int[] greedy(LanguageModel model, int[] prompt, int count) {
    LanguageModel.Session session = model.open();
    float[] logits = session.append(prompt);
    int[] ids = new int[count];
    for (int i = 0; i < count; i++) {
      int best = 0;
      for (int id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
      ids[i] = best;
      logits = session.append(best);
    }
    return Arrays.copyOf(ids, count);
  }
}
