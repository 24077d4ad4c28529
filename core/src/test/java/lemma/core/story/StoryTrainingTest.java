package lemma.core.story;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;
import lemma.core.tokenizer.ByteLevelBpe;
import lemma.core.tokenizer.PublishedPattern;
import lemma.core.training.TrainingState;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoryTrainingTest {
  private static final List<String> STORIES =
      IntStream.range(0, 40)
          .mapToObj(
              i -> "Tom has %d red balls. Mia has %d. Tomorrow they play.".formatted(i, i + 1))
          .toList();
  private static final StoryRecipe TINY =
      new StoryRecipe(6, 3, 280, 16, 24, 1, 2, 1, 32, 2, 1e-2, 0.1, 0.1, 0.5);

  private static final StoryGrammar RULES =
      new StoryGrammar(
          List.of(
              "# remark",
              "child(name,he) = Ben, he | Mia, she",
              "toy = ball | hat",
              "",
              "{child:A} has a {toy:t}. {A.He} {likes|loves} the {t}.{ {child:B} looks.|}"));

  @Test
  void every_twentieth_story_is_held_out(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("a.txt"), String.join("\n\n", STORIES.subList(0, 25)) + "\n");
    Files.writeString(folder.resolve("b.txt"), String.join("\n \n\n", STORIES.subList(25, 40)));
    Files.writeString(folder.resolve("README.md"), "no story");
    StoryCorpus corpus = StoryCorpus.read(folder);
    assertThat(corpus.heldOut()).containsExactly(STORIES.get(19), STORIES.get(39));
    assertThat(corpus.training()).hasSize(38).doesNotContainAnyElementsOf(corpus.heldOut());
  }

  @Test
  void a_folder_without_stories_is_refused(@TempDir Path folder) {
    Refusal.of(() -> StoryCorpus.read(folder), "at least 20 stories", "0");
    assertThatThrownBy(() -> StoryCorpus.read(folder.resolve("none")))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void names_are_exchanged_within_their_group_and_as_whole_words() {
    StoryCast cast = StoryCast.children();
    RandomGenerator random = random(61);
    List<String> seen =
        IntStream.range(0, 200)
            .mapToObj(i -> cast.recast("Tom and Mia met Tom. Tomorrow Max eats.", random))
            .distinct()
            .sorted()
            .toList();
    assertThat(seen)
        .hasSize(9)
        .allMatch(story -> story.matches("(Ben|Tom|Sam) and (Mia|Lily|Anna) met \\1\\. .*"))
        .allMatch(story -> story.endsWith(" Tomorrow Max eats."));
    assertThat(StoryCast.unchanged().recast("Tom", random)).isEqualTo("Tom");
  }

  @Test
  void rules_tell_stories_with_the_same_word_wherever_its_letter_stands() {
    RandomGenerator random = random(63);
    List<String> told =
        IntStream.range(0, 300).mapToObj(i -> RULES.draw(random)).distinct().toList();
    assertThat(told)
        .hasSize(2 * 2 * 2 * 2)
        .allMatch(story -> story.matches("(Ben|Mia) has a (ball|hat)\\. (He|She) lo?[iv]k?es .*"))
        .allMatch(story -> story.contains("Ben has") == story.contains("He "))
        .allMatch(story -> story.matches(".* (ball|hat)\\. .* the \\1\\..*"))
        .noneMatch(story -> story.matches("(Ben|Mia) .* \\1 looks\\."));
  }

  @Test
  void the_shipped_rules_work_in_every_choice() throws IOException {
    StoryGrammar rules = StoryGrammar.read(Path.of("data/stories/plain.grammar"));
    RandomGenerator random = random(64);
    for (int i = 0; i < 20_000; i++)
      assertThat(rules.draw(random)).doesNotContainPattern("[{}|]|  | [.,]|\\ba [aeiou]");
  }

  @Test
  void rules_that_do_not_work_are_refused() {
    Refusal.of(() -> new StoryGrammar(List.of()), "pattern");
    Refusal.of(() -> new StoryGrammar(List.of("{a", "b")), "braces", "{a");
    Refusal.of(() -> new StoryGrammar(List.of("child(name,he) = Ben", "x")), "child", "name, he");
    Refusal.of(() -> new StoryGrammar(List.of("toy = a", "toy = b", "x")), "toy", "twice");
    RandomGenerator random = random(65);
    Refusal.of(() -> new StoryGrammar(List.of("{A}")).draw(random), "{A}");
    Refusal.of(
        () -> new StoryGrammar(List.of("toy = a", "{toy:x}{toy:y}")).draw(random), "enough words");
    Refusal.of(() -> new StoryGrammar(List.of("toy = a", "{toy:x}{x.he}")).draw(random), "{x.he}");
    Refusal.of(() -> new StorySource.Mixed(RULES, RULES, 2), "share", "2.0");
  }

  @Test
  void targets_are_the_inputs_shifted_by_one() {
    ByteLevelBpe tokenizer =
        ByteLevelBpe.train(STORIES, 280, PublishedPattern.GPT2, StoryModel.END);
    var batches = new StoryBatches(tokenizer, StoryModel.end(tokenizer));
    var written = new StorySource.Written(STORIES, StoryCast.children());
    StoryBatches.Batch batch = batches.random(written, 8, 50, random(62));
    for (int row = 0; row < 8; row++)
      assertThat(Arrays.copyOf(batch.targets()[row], 49))
          .isEqualTo(Arrays.copyOfRange(batch.inputs()[row], 1, 50));
    long counted =
        batches.all(STORIES, 3, 1000).stream()
            .flatMapToInt(each -> Arrays.stream(each.flatTargets()))
            .filter(target -> target != -100)
            .count();
    assertThat(counted).isEqualTo(batches.tokens(STORIES));
    assertThat(tokenizer.decode(batches.all(STORIES, 1, 1000).get(7).targets()[0]))
        .isEqualTo(STORIES.get(7) + StoryModel.END);
  }

  @Test
  void threads_and_an_interruption_do_not_change_a_bit(@TempDir Path folder) throws IOException {
    StoryCorpus corpus = StoryCorpus.split(STORIES, Optional.of(RULES));
    var training = new StoryTraining(TINY, corpus, 1);
    TrainingState through = training.run(training.begin(), progress -> true);
    assertThat(through.step()).isEqualTo(6);

    var other = new StoryTraining(TINY, corpus, 2);
    Path checkpoint = folder.resolve("checkpoint.safetensors");
    other.save(other.run(other.begin(), progress -> progress.state().step() < 4), checkpoint);
    TrainingState resumed = other.run(other.resume(checkpoint), progress -> true);
    through
        .parameters()
        .forEach((name, value) ->
            assertThat(resumed.parameters().get(name).data()).as(name).isEqualTo(value.data()));
    assertThat(training.heldOutLoss(resumed)).isEqualTo(training.heldOutLoss(through));

    var another = new StoryTraining(TINY.withSeed(4), corpus, 1);
    Refusal.of(() -> another.resume(checkpoint), "checkpoint.safetensors", "seed=3", "seed=4");
  }

  @Test
  void a_saved_model_is_read_back_with_16_bit_weights(@TempDir Path folder) throws IOException {
    var training = new StoryTraining(TINY, StoryCorpus.split(STORIES, Optional.of(RULES)), 1);
    StoryModel model = training.model(training.begin());
    model.save(folder);
    StoryModel read = StoryModel.load(folder);
    assertThat(read.model().config()).isEqualTo(model.model().config());
    assertThat(read.tokenizer().tokens()).isEqualTo(model.tokenizer().tokens());
    assertThat(read.end()).isEqualTo(model.end());
    model
        .model()
        .weights()
        .forEach((name, weight) -> {
          Tensor gap = read.model().weights().get(name).sub(weight.detach()).abs();
          // half a unit in the last of 10 places, below 2⁻¹⁵ the spacing of subnormals
          assertThat(gap.max().item())
              .isLessThanOrEqualTo(weight.detach().abs().max().item() / 2048 + 0x1p-25);
        });
    assertThat(Files.readString(folder.resolve("config.json")))
        .contains("\"eos_token_id\" : " + model.end(), "LlamaForCausalLM");
  }

  @Test
  void bad_recipes_are_refused_by_name() {
    Refusal.of(() -> TINY.withSteps(0), "steps", "0");
    Refusal.of(
        () -> new StoryRecipe(1, 1, 280, 16, 24, 1, 2, 1, 32, 0, 1e-2, 0.1, 0.1, 0), "rows", "0");
  }
}
