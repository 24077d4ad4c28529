package lemma.core.model;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.core.position.Rope;
import lemma.core.tensor.Tensor;
import lemma.core.tokenizer.ByteLevelBpe;
import lemma.core.tokenizer.TokenizerJson;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// On the language model that comes with the project.
@Proves("vocabulary-extension")
class VocabularyExtensionTest {
  private static final Path STORYTELLER = Path.of("models", "storyteller");

  private static final List<String> WORDS =
      List.of("photosynthesis", "chlorophyll", "叶绿素", "ATP synthase");

  private static final String OLD_TEXT = "One day, Lily saw a big tree. 从前有一只小猫。";
  private static final String NEW_TEXT =
      "Lily knew of photosynthesis: chlorophyll (叶绿素) and ATP synthase. photosynthesis!";

  private static Llama model;
  private static ByteLevelBpe tokenizer;

  @BeforeAll
  static void read() throws IOException {
    model = Llama.load(STORYTELLER);
    tokenizer = TokenizerJson.readByteLevel(STORYTELLER);
  }

  private static List<VocabularyExtension> both() {
    return List.of(
        VocabularyExtension.ofWords(tokenizer, WORDS),
        VocabularyExtension.ofAverage(tokenizer, WORDS));
  }

  /// `[time, vocabulary]`
  private static Tensor logits(Llama model, int... ids) {
    Tensor logits = model.forward(new int[][] {ids});
    return logits.reshape(ids.length, logits.size(2));
  }

  @Claim("old-ids")
  @Test
  void texts_without_the_new_words_keep_their_ids_and_every_text_comes_back() {
    for (VocabularyExtension extension : both()) {
      ByteLevelBpe extended = extension.apply(tokenizer);
      assertThat(extended.encode(OLD_TEXT)).isEqualTo(tokenizer.encode(OLD_TEXT));
      for (int id = 0; id < tokenizer.vocabularySize(); id++)
        assertThat(extended.bytes(id)).isEqualTo(tokenizer.bytes(id));
      assertThat(extended.decode(extended.encode(NEW_TEXT))).isEqualTo(NEW_TEXT);
      for (int j = 0; j < WORDS.size(); j++)
        assertThat(extended.encode(WORDS.get(j))).containsExactly(tokenizer.vocabularySize() + j);
    }
  }

  @Claim("old-logits")
  @Test
  void logits_of_old_tokens_after_old_tokens_are_the_same_bits() {
    int[] ids = tokenizer.encode(OLD_TEXT);
    double[] before = logits(model, ids).toArray();
    for (VocabularyExtension extension : both()) {
      Tensor after = logits(extension.apply(model), ids);
      assertThat(after.shape())
          .containsExactly(ids.length, tokenizer.vocabularySize() + WORDS.size());
      assertThat(after.slice(1, 0, tokenizer.vocabularySize()).toArray()).isEqualTo(before);
    }
  }

  @Claim("mean-logit")
  @Test
  void a_new_token_has_the_mean_logit_of_its_parts(Proof proof) {
    int[] ids = tokenizer.encode(OLD_TEXT);
    for (VocabularyExtension extension : both()) {
      Tensor logits = logits(extension.apply(model), ids);
      for (int j = 0; j < WORDS.size(); j++) {
        int id = tokenizer.vocabularySize() + j;
        double[] got = logits.slice(1, id, id + 1).toArray();
        double[] mean = new double[ids.length];
        for (int t = 0; t < ids.length; t++)
          for (int part : extension.parts().get(j))
            mean[t] += logits.get(t, part) / extension.parts().get(j).length;
        proof.atMost("max |Δ|", gap(got, mean), 1e-12);
      }
    }
  }

  @Claim("average-mass")
  @Test
  void an_average_row_takes_at_most_the_probability_of_one_token_among_all(Proof proof) {
    int[] ids = tokenizer.encode(OLD_TEXT);
    int old = tokenizer.vocabularySize();
    var extension = VocabularyExtension.ofAverage(tokenizer, List.of("photosynthesis"));
    Tensor before = logits(model, ids).softmax(1);
    Tensor after = logits(extension.apply(model), ids).softmax(1);
    for (int t = 0; t < ids.length; t++) {
      double taken = after.get(t, old);
      proof.atMost("probability of the new token, times V + 1", taken * (old + 1), 1);
      double worst = 0;
      for (int i = 0; i < old; i++)
        worst = Math.max(worst, Math.abs(after.get(t, i) - before.get(t, i) * (1 - taken)));
      proof.atMost("max |Δ| of the others, scaled down together", worst, 1e-14);
      proof.atMost("nats of KL, times V", -Math.log1p(-taken) * old, 1.0001);
    }
  }

  @Claim("zero-row")
  @Test
  void a_row_of_zeros_can_take_everything(Proof proof) {
    RandomGenerator random = random(1);
    int vocabulary = 500;
    int dim = 16;
    double[] hidden = Tensor.gaussian(random, dim).toArray();
    double norm = Arrays.stream(hidden).map(x -> x * x).sum();
    Tensor h = Tensor.of(hidden, 1, dim);
    // every old logit is near −20, as trained models may have them: softmax does not care
    Tensor head = Tensor.gaussian(random, vocabulary, dim).mul(0.3).sub(h.mul(20 / norm));
    assertThat(Arrays.stream(h.matmulTransposed(head).toArray()).max().orElseThrow())
        .isLessThan(-10);
    Tensor zero = Tensor.concat(0, head, Tensor.zeros(1, dim));
    Tensor mean = Tensor.concat(0, head, head.mean(0).reshape(1, dim));
    double ofZero = h.matmulTransposed(zero).softmax(1).get(0, vocabulary);
    double ofMean = h.matmulTransposed(mean).softmax(1).get(0, vocabulary);
    proof.atLeast("probability of a row of zeros", ofZero, 0.99);
    proof.atMost("of the mean row", ofMean, 1.0 / (vocabulary + 1));
  }

  @Claim("shorter")
  @Test
  void texts_with_the_new_words_become_shorter(Proof proof) {
    ByteLevelBpe extended = VocabularyExtension.ofWords(tokenizer, WORDS).apply(tokenizer);
    int before = tokenizer.encode(NEW_TEXT).length;
    int after = extended.encode(NEW_TEXT).length;
    proof.measured("tokens before", before);
    proof.measured("tokens after", after);
    proof.atMost("after, to before", (double) after / before, 0.7);
  }

  @Claim("cost")
  @Test
  void each_word_adds_a_row_or_two_and_a_tied_table_stays_one() {
    RandomGenerator random = random(2);
    var extension =
        new VocabularyExtension(List.of("a", "b"), List.of(new int[] {1}, new int[] {2}));
    var tied = Llama.initialise(LlamaConfig.small(10, 8, 12, 1, 2, 1, 8), random);
    var own =
        Llama.initialise(
            new LlamaConfig(
                10, 8, 12, 1, 2, 1, 4, 8, 1e-5, Rope.llama(4, 10_000), LlamaConfig.Variant.LLAMA),
            random);
    for (Llama each : List.of(tied, own)) {
      Llama extended = extension.apply(each);
      assertThat(count(extended) - count(each)).isEqualTo(extension.parameters(each.config()));
    }
    assertThat(extension.parameters(tied.config())).isEqualTo(2 * 8);
    assertThat(extension.parameters(own.config())).isEqualTo(2 * 2 * 8);
  }

  private static long count(Llama model) {
    return model.weights().values().stream().mapToLong(Tensor::count).sum();
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> VocabularyExtension.ofWords(tokenizer, List.of()), "words");
    Refusal.of(() -> VocabularyExtension.ofWords(tokenizer, List.of("")), "no parts");
    Refusal.of(
        () -> VocabularyExtension.ofWords(tokenizer, List.of("x1y", "x1y")).apply(tokenizer),
        "x1y");
    String there = tokenizer.decode(IntStream.of(tokenizer.encode("the")[0]).toArray());
    Refusal.of(
        () -> VocabularyExtension.ofWords(tokenizer, List.of(there)).apply(tokenizer), there);
    var outside = new VocabularyExtension(List.of("x"), List.of(new int[] {1 << 20}));
    Refusal.of(() -> outside.apply(model), "1048576", "vocabulary");
  }
}
