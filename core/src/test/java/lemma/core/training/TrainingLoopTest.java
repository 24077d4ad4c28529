package lemma.core.training;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.format.FloatFormat;
import lemma.core.model.Llama;
import lemma.core.model.LlamaConfig;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Proves("optimisation")
class TrainingLoopTest {
  private static final LlamaConfig TINY = LlamaConfig.small(12, 32, 48, 2, 4, 2, 16);

  /// Rows `a b c a b c a b c …` of random tokens: from the third on, the next one can be known.
  private static BatchLoss copying(Map<String, Tensor> parameters, RandomGenerator random) {
    int rows = 16;
    int period = 3;
    int time = 12;
    int[][] tokens = new int[rows][time];
    int[] targets = new int[rows * time];
    for (int row = 0; row < rows; row++) {
      int[] pattern = random.ints(period, 0, TINY.vocabularySize()).toArray();
      for (int t = 0; t < time; t++) {
        tokens[row][t] = pattern[t % period];
        boolean known = t >= period - 1;
        targets[row * time + t] = known ? pattern[(t + 1) % period] : -100;
      }
    }
    Tensor logits = new Llama(TINY, parameters).forward(tokens);
    CrossEntropy loss = CrossEntropy.standard();
    Tensor flat = logits.reshape(targets.length, TINY.vocabularySize());
    return new BatchLoss(loss.sum(flat, targets), loss.counted(targets));
  }

  private static TrainingLoop loop(int steps, int threads) {
    return new TrainingLoop(
        AdamW.languageModel(0.01),
        LearningRateSchedule.Cosine.toFloor(1e-2, Math.min(20, steps / 2), steps, 0.1),
        new GradientClipping.GlobalNorm(1),
        new ExponentialMovingAverage.Ramp(0.95),
        new GradientAccumulation(2, threads),
        7);
  }

  private static Map<String, Tensor> initial() {
    return Llama.initialise(TINY, random(3)).weights();
  }

  private static final Objective COPYING =
      (parameters, step, microBatch, random) -> copying(parameters, random);

  @Claim("learns")
  @Test
  void two_layers_learn_to_copy_what_stands_before(Proof proof) {
    TrainingLoop loop = loop(200, 2);
    TrainingState state = loop.run(loop.begin(initial()), 200, COPYING, progress -> true);
    BatchLoss untrained = copying(initial(), random(99));
    BatchLoss trained = copying(state.parameters(), random(99));
    proof.atLeast("loss before", untrained.sum().item() / untrained.count(), 2.3); // ln 12 = 2.48
    proof.atMost("loss after", trained.sum().item() / trained.count(), 0.1);
    BatchLoss averaged = copying(state.average(), random(99));
    proof.atMost("loss of the average", averaged.sum().item() / averaged.count(), 0.1);
  }

  @Claim("resume")
  @Test
  void a_resumed_run_has_the_bits_of_one_that_went_through(@TempDir Path folder)
      throws IOException {
    TrainingLoop loop = loop(12, 2);
    TrainingState through = loop.run(loop.begin(initial()), 12, COPYING, progress -> true);
    Path file = folder.resolve("run/training.safetensors");
    TrainingState half =
        loop.run(loop.begin(initial()), 12, COPYING, progress -> progress.state().step() < 5);
    assertThat(half.step()).isEqualTo(5);
    new TrainingCheckpoint(half, Map.of("seed", "7")).save(file);
    TrainingCheckpoint loaded = TrainingCheckpoint.load(file);
    assertThat(loaded.settings()).containsExactly(Map.entry("seed", "7"));
    TrainingState resumed =
        loop(12, 1).run(loaded.state(), 12, COPYING, progress -> true); // another number of threads
    assertSameBits(resumed.parameters(), through.parameters());
    assertSameBits(resumed.average(), through.average());
    for (String moment : List.of("first", "second"))
      assertSameBits(
          resumed.optimiser().moments().get(moment), through.optimiser().moments().get(moment));
    try (var files = Files.list(file.getParent())) {
      assertThat(files).containsExactly(file); // no temporary file stays behind
    }
  }

  private static void assertSameBits(Map<String, Tensor> a, Map<String, Tensor> b) {
    assertThat(a.keySet()).isEqualTo(b.keySet());
    a.forEach((name, value) -> assertThat(value.data()).as(name).isEqualTo(b.get(name).data()));
  }

  @Claim("random")
  @Test
  void every_step_and_micro_batch_draws_numbers_of_its_own() {
    long[] drawn = new long[1000];
    for (int i = 0; i < drawn.length; i++) drawn[i] = StepRandom.of(5, i / 10, i % 10).nextLong();
    assertThat(drawn).doesNotHaveDuplicates();
    assertThat(StepRandom.of(5, 3, 1).nextLong()).isEqualTo(drawn[31]);
    assertThat(StepRandom.of(6, 3, 1).nextLong()).isNotEqualTo(drawn[31]);
  }

  @Claim("bad-input")
  @Test
  void a_run_that_diverges_says_so() {
    TrainingLoop loop = loop(10, 1);
    Objective broken =
        (parameters, step, microBatch, random) -> {
          Tensor sum = parameters.get("model.norm.weight").sum();
          return new BatchLoss(step == 2 ? sum.mul(Double.NaN) : sum, 1);
        };
    assertThatThrownBy(() -> loop.run(loop.begin(initial()), 10, broken, progress -> true))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContainingAll("step 3", "NaN");
  }

  @Claim("bad-input")
  @Test
  void a_file_that_is_no_checkpoint_is_refused(@TempDir Path folder) throws IOException {
    Path missing = folder.resolve("none.safetensors");
    Refusal.of(() -> TrainingCheckpoint.load(missing), "none.safetensors", "no such file");
    Path model = folder.resolve("model.safetensors");
    Llama.initialise(TINY, random(1)).save(folder, FloatFormat.F32);
    Refusal.of(() -> TrainingCheckpoint.load(model), "model.safetensors", "no place");
    Path cut = folder.resolve("cut.safetensors");
    TrainingLoop loop = loop(1, 1);
    new TrainingCheckpoint(loop.begin(initial()), Map.of()).save(cut);
    byte[] bytes = Files.readAllBytes(cut);
    Files.write(cut, Arrays.copyOf(bytes, bytes.length - 8));
    Refusal.of(() -> TrainingCheckpoint.load(cut), "cut.safetensors");
    String header = new String(bytes, StandardCharsets.ISO_8859_1);
    Files.write(
        cut,
        header.replace("\"step\":\"0\"", "\"step\":\"x\"").getBytes(StandardCharsets.ISO_8859_1));
    Refusal.of(() -> TrainingCheckpoint.load(cut), "metadata step", "x");
  }
}
