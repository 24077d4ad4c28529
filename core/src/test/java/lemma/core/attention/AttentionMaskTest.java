package lemma.core.attention;

import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.core.attention.AttentionForms.NamedForm;
import lemma.core.attention.AttentionForms.Problem;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Proves("attention-masks")
class AttentionMaskTest {
  private static final int DIM = 8;

  static Stream<NamedForm> forms() {
    return AttentionForms.all();
  }

  /// Self-attention of one head: every token is query, key and value.
  private static double[][] attend(NamedForm form, Tensor x, AttentionMask.Interval mask) {
    Tensor one = x.unsqueeze(0);
    var layer = new GroupedQuery(1, 1, ScaledDotProduct.of(DIM));
    return rows(form.apply(new Problem(layer, one, one, one, mask)));
  }

  private static double[][] attend(Tensor x, AttentionMask mask) {
    return rows(ScaledDotProduct.of(DIM).apply(x, x, x, mask).output().toArray());
  }

  private static double[][] rows(double[] values) {
    double[][] rows = new double[values.length / DIM][];
    for (int i = 0; i < rows.length; i++)
      rows[i] = Arrays.copyOfRange(values, i * DIM, (i + 1) * DIM);
    return rows;
  }

  /// `x` with other numbers in one row.
  private static Tensor perturbed(Tensor x, int row, RandomGenerator random) {
    return Tensor.concat(
        0,
        x.slice(0, 0, row),
        Tensor.of(AttentionForms.single(DIM, random), 1, DIM),
        x.slice(0, row + 1, x.size(0)));
  }

  private static Tensor text(int tokens, RandomGenerator random) {
    return Tensor.of(AttentionForms.single(tokens * DIM, random), tokens, DIM);
  }

  @Claim("causal")
  @ParameterizedTest
  @MethodSource("forms")
  void changing_a_future_token_changes_no_causal_output_at_all(NamedForm form) {
    RandomGenerator random = random(1);
    for (int tokens : new int[] {5, 70}) {
      Tensor x = text(tokens, random);
      double[][] before = attend(form, x, new AttentionMask.Causal());
      for (int changed : new int[] {1, tokens / 2, tokens - 1}) {
        double[][] after = attend(form, perturbed(x, changed, random), new AttentionMask.Causal());
        for (int i = 0; i < tokens; i++)
          if (i < changed) assertThat(after[i]).isEqualTo(before[i]); // exactly
          else assertThat(after[i]).isNotEqualTo(before[i]);
      }
    }
  }

  @Claim("prefix")
  @ParameterizedTest
  @MethodSource("forms")
  void a_prefix_token_sees_the_whole_prefix_and_nothing_behind_it(NamedForm form) {
    RandomGenerator random = random(2);
    Tensor x = text(9, random);
    var mask = new AttentionMask.Prefix(4);
    double[][] before = attend(form, x, mask);
    double[][] lastOfPrefix = attend(form, perturbed(x, 3, random), mask);
    for (int i = 0; i < 9; i++) assertThat(lastOfPrefix[i]).isNotEqualTo(before[i]);
    double[][] behind = attend(form, perturbed(x, 6, random), mask);
    for (int i = 0; i < 9; i++)
      if (i < 6) assertThat(behind[i]).isEqualTo(before[i]);
      else assertThat(behind[i]).isNotEqualTo(before[i]);
  }

  @Claim("prefix-tuning")
  @Test
  void learned_key_value_prefixes_are_no_prefix_mask(Proof proof) {
    RandomGenerator random = random(3);
    Tensor x = text(6, random);
    Tensor changed = perturbed(x, 5, random);
    // Prefix-tuning: three learned keys and values in front; the mask stays causal.
    Tensor keys = text(3, random);
    Tensor values = text(3, random);
    double[][] tuned = tuned(x, keys, values);
    double[][] tunedChanged = tuned(changed, keys, values);
    for (int i = 0; i < 5; i++) assertThat(tunedChanged[i]).isEqualTo(tuned[i]); // still blind
    // Prefix attention over the same six tokens: the first sees the last.
    double[][] prefix = attend(x, new AttentionMask.Prefix(6));
    double[][] prefixChanged = attend(changed, new AttentionMask.Prefix(6));
    for (int i = 0; i < 5; i++)
      proof.atLeast("prefix mask: change by a later token", gap(prefixChanged[i], prefix[i]), 1e-3);
    // And the learned prefix moves the outputs although every token sees the same tokens.
    double[][] plain = attend(x, new AttentionMask.Causal());
    for (int i = 0; i < 6; i++)
      proof.atLeast("learned prefix: change of an output", gap(tuned[i], plain[i]), 1e-2);
  }

  private static double[][] tuned(Tensor x, Tensor keys, Tensor values) {
    Tensor k = Tensor.concat(0, keys, x);
    Tensor v = Tensor.concat(0, values, x);
    return rows(
        ScaledDotProduct.of(DIM).apply(x, k, v, new AttentionMask.Causal()).output().toArray());
  }

  @Claim("window")
  @Test
  void stacked_windows_reach_one_window_further_with_each_layer() {
    RandomGenerator random = random(4);
    int window = 3;
    var mask = new AttentionMask.SlidingWindow(window);
    Tensor x = text(16, random);
    for (int layers = 1; layers <= 4; layers++) {
      int reach = layers * (window - 1); // the furthest token back that the last one feels
      double[] before = last(x, mask, layers);
      assertThat(last(perturbed(x, 15 - reach, random), mask, layers)).isNotEqualTo(before);
      assertThat(last(perturbed(x, 14 - reach, random), mask, layers)).isEqualTo(before);
    }
  }

  private static double[] last(Tensor x, AttentionMask mask, int layers) {
    Tensor y = x;
    for (int layer = 0; layer < layers; layer++) {
      Tensor q = y.mul(0.1); // small scores, so that no weight fades to nothing
      y = y.add(ScaledDotProduct.of(DIM).apply(q, q, y, mask).output());
    }
    return y.slice(0, x.size(0) - 1, x.size(0)).toArray();
  }

  @Claim("offset")
  @Test
  void a_chunk_behind_a_cache_has_the_rows_of_the_whole_mask() {
    for (AttentionMask mask : AttentionForms.masks()) {
      Tensor whole = mask.hidden(12, 12, 0);
      for (int offset = 0; offset < 12; offset++)
        assertThat(mask.hidden(12 - offset, 12, offset).toArray())
            .isEqualTo(whole.slice(0, offset, 12).toArray());
    }
  }

  @Claim("interval")
  @Test
  void each_mask_allows_what_its_formula_says() {
    for (int i = 0; i < 20; i++)
      for (int j = 0; j < 20; j++) {
        assertThat(new AttentionMask.Causal().allows(i, j)).isEqualTo(j <= i);
        assertThat(new AttentionMask.Bidirectional().allows(i, j)).isTrue();
        assertThat(new AttentionMask.Prefix(5).allows(i, j)).isEqualTo(j < 5 || j <= i);
        assertThat(new AttentionMask.SlidingWindow(4).allows(i, j)).isEqualTo(i - 4 < j && j <= i);
        assertThat(new AttentionMask.Neighbourhood(4).allows(i, j)).isEqualTo(Math.abs(i - j) <= 4);
        assertThat(new AttentionMask.Chunked(6).allows(i, j)).isEqualTo(j <= i && j / 6 == i / 6);
      }
    int most = Integer.MAX_VALUE;
    assertThat(new AttentionMask.SlidingWindow(most).allows(7, 0)).isTrue();
    assertThat(new AttentionMask.Neighbourhood(most).allows(7, 0)).isTrue();
    assertThat(new AttentionMask.Neighbourhood(most).allows(0, 7)).isTrue();
  }

  @Claim("packed")
  @Test
  void packed_documents_are_computed_as_if_each_were_alone(Proof proof) {
    RandomGenerator random = random(5);
    int[] documents = {0, 0, 0, 1, 1, 1, 1, 2};
    Tensor x = text(8, random);
    var mask = new AttentionMask.Causal().and(new AttentionMask.Packed(documents));
    double[][] packed = attend(x, mask);
    int[] starts = {0, 3, 7, 8};
    for (int document = 0; document < 3; document++) {
      Tensor alone = x.slice(0, starts[document], starts[document + 1]);
      double[][] expected = attend(alone, new AttentionMask.Causal());
      for (int i = 0; i < expected.length; i++)
        proof.atMost("max |Δ|", relativeGap(packed[starts[document] + i], expected[i]), 1e-14);
    }
  }

  @Claim("padding")
  @Test
  void padded_keys_change_nothing_for_the_real_tokens(Proof proof) {
    RandomGenerator random = random(6);
    Tensor x = text(5, random);
    Tensor padded = Tensor.concat(0, text(2, random).mul(100), x);
    var real = new AttentionMask.Padding(false, false, true, true, true, true, true);
    double[][] expected = attend(x, new AttentionMask.Causal());
    double[][] got = attend(padded, new AttentionMask.Causal().and(real));
    for (int i = 0; i < 5; i++)
      proof.atMost("max |Δ|", relativeGap(got[i + 2], expected[i]), 1e-14);
    assertThat(got[0]).containsOnly(0); // the first padding token sees nothing at all
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("forms")
  void every_form_agrees_with_the_formula_through_every_mask(NamedForm form, Proof proof) {
    RandomGenerator random = random(7);
    for (var mask : AttentionForms.masks())
      for (int queries : new int[] {1, 3, 90}) {
        Problem p = Problem.random(4, 2, queries, 90, DIM, mask, random);
        proof.atMost(
            "max |Δ|",
            relativeGap(form.apply(p), AttentionForms.formula(p).toArray()),
            form.tolerance());
      }
  }

  @Claim("parity")
  @GoldenCases("core/attention-masks")
  void equals_the_masks_of_transformers(GoldenCase golden, Proof proof) {
    Tensor hidden =
        mask(golden)
            .hidden(golden.integer("q_len"), golden.integer("k_len"), golden.integer("q_offset"));
    golden.expect("allowed", hidden.neg().add(1), proof);
  }

  private static AttentionMask mask(GoldenCase golden) {
    AttentionMask causal = new AttentionMask.Causal();
    AttentionMask bidirectional = new AttentionMask.Bidirectional();
    String kind = golden.text("kind");
    if (kind.endsWith("-padding")) return base(kind, causal, bidirectional).and(padding(golden));
    return switch (kind) {
      case "causal" -> causal;
      case "bidirectional" -> bidirectional;
      case "prefix" -> new AttentionMask.Prefix(golden.integer("prefix"));
      case "sliding" -> new AttentionMask.SlidingWindow(golden.integer("window"));
      case "sliding-bidirectional" -> new AttentionMask.Neighbourhood(golden.integer("window"));
      case "chunked" -> new AttentionMask.Chunked(golden.integer("chunk"));
      case "packed-causal" -> causal.and(new AttentionMask.Packed(ints(golden, "documents")));
      default -> throw new IllegalArgumentException(kind);
    };
  }

  private static AttentionMask base(
      String kind, AttentionMask causal, AttentionMask bidirectional) {
    return kind.startsWith("causal") ? causal : bidirectional;
  }

  private static AttentionMask padding(GoldenCase golden) {
    int[] flags = ints(golden, "padding_mask");
    boolean[] real = new boolean[flags.length];
    for (int i = 0; i < real.length; i++) real[i] = flags[i] == 1;
    return new AttentionMask.Padding(real);
  }

  private static int[] ints(GoldenCase golden, String param) {
    return Arrays.stream(GoldenCase.numbers(golden.params().path(param)))
        .mapToInt(value -> (int) value)
        .toArray();
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new AttentionMask.Prefix(-1), "prefix", "-1");
    Refusal.of(() -> new AttentionMask.SlidingWindow(0), "window", "0");
    Refusal.of(() -> new AttentionMask.Neighbourhood(-2), "distance", "-2");
    Refusal.of(() -> new AttentionMask.Chunked(0), "chunk", "0");
    for (AttentionMask mask : List.of(new AttentionMask.Causal(), new AttentionMask.Padding()))
      Refusal.of(() -> mask.hidden(2, -3, 0), "keys", "-3");
    Refusal.of(() -> new AttentionMask.Packed(0, 0).hidden(3, 2, 0), "position", "2");
  }
}
