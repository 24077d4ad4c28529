package lemma.core.cache;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.floats;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import lemma.core.attention.AttentionKernel;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.GroupedQuery;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.attention.VectorisedAttentionKernel;
import lemma.core.position.Rope;
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

@Proves("kv-cache-variants")
class KvCacheVariantsTest {
  private static final AttentionMask.Interval CAUSAL = new AttentionMask.Causal();
  private static final AttentionKernel SCALAR = new AttentionKernel.Scalar();
  private static final AttentionKernel VECTORISED = new VectorisedAttentionKernel();

  private static final int CAPACITY = 400;
  private static final int SLACK = 40; // every form takes so many tokens at once, and back

  /// The step and the product with it are rounded to floats: 127 steps, 2⁻²⁴ each time.
  private static final double STEP_ROUNDING = 4 * 127 * 0x1p-24;

  interface Opening {
    KvCache open(int heads, int headDim);
  }

  /// @param mask what attention may look at in this cache
  /// @param steps largest |x̂ − x| of a row, in parts of its largest number
  record Form(String name, Opening opening, AttentionMask.Interval mask, double steps) {
    KvCache open(int heads, int headDim) {
      return opening.open(heads, headDim);
    }

    boolean exact() {
      return steps == 0;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Form> forms() {
    return Stream.of(
        new Form("contiguous", (h, d) -> new ContiguousKvCache(h, d, CAPACITY), CAUSAL, 0),
        paged(1),
        paged(16),
        paged(64),
        ring(new SinkWindow(0, 1)),
        ring(new SinkWindow(0, 30)),
        ring(new SinkWindow(4, 100)),
        ring(new SinkWindow(70, 7)), // more sinks than a step of the kernel
        ring(new SinkWindow(4, CAPACITY)),
        new Form(
            "int8",
            (h, d) -> new Int8KvCache(h, d, CAPACITY),
            CAUSAL,
            (0.5 + STEP_ROUNDING) / 127));
  }

  private static Form paged(int pageTokens) {
    return new Form(
        "pages of " + pageTokens,
        (h, d) -> new PagedKvCache(new PagePool(h, d, pageTokens, CAPACITY), CAPACITY),
        CAUSAL,
        0);
  }

  private static Form ring(SinkWindow kept) {
    var mask = new AttentionMask.SinkWindow(kept.sinks(), kept.window());
    String name = "ring of %d after %d sinks".formatted(kept.window(), kept.sinks());
    return new Form(name, (h, d) -> new RingKvCache(h, d, kept, SLACK), mask, 0);
  }

  private static float[] single(int count, RandomGenerator random) {
    return floats(gaussian(count, random));
  }

  private static GroupedQuery layer(KvCache cache) {
    return new GroupedQuery(2 * cache.heads(), cache.heads(), ScaledDotProduct.of(cache.headDim()));
  }

  private static float[] attend(
      AttentionKernel kernel, AttentionMask.Interval mask, float[] q, int queries, KvCache past) {
    float[] output = new float[q.length];
    Arrays.fill(output, Float.NaN); // whatever is not written shows
    kernel.apply(layer(past), mask, q, queries, past, output);
    return output;
  }

  /// What was appended and not taken back, in plain lists.
  private static final class Ledger {
    private final int heads;
    private final int dim;
    private final List<float[]> keys = new ArrayList<>(); // a position each, [heads, dim]
    private final List<float[]> values = new ArrayList<>();

    Ledger(int heads, int dim) {
      this.heads = heads;
      this.dim = dim;
    }

    void append(KvCache cache, int tokens, RandomGenerator random) {
      float[] newKeys = single(tokens * heads * dim, random);
      float[] newValues = single(tokens * heads * dim, random);
      cache.append(newKeys, newValues, tokens);
      for (int t = 0; t < tokens; t++) {
        keys.add(Arrays.copyOfRange(newKeys, t * heads * dim, (t + 1) * heads * dim));
        values.add(Arrays.copyOfRange(newValues, t * heads * dim, (t + 1) * heads * dim));
      }
    }

    void rewind(KvCache cache, int length) {
      cache.rewind(length);
      keys.subList(length, keys.size()).clear();
      values.subList(length, values.size()).clear();
    }

    Ledger copy() {
      Ledger copy = new Ledger(heads, dim);
      copy.keys.addAll(keys);
      copy.values.addAll(values);
      return copy;
    }

    /// The same text in a contiguous cache.
    KvCache contiguous() {
      KvCache cache = new ContiguousKvCache(heads, dim, CAPACITY);
      for (int i = 0; i < keys.size(); i++) cache.append(keys.get(i), values.get(i), 1);
      return cache;
    }

    /// Requires the rows of a cache to be those appended, and every row that the last `queries`
    /// queries may look at to be there.
    void check(KvCache cache, Form form, int queries) {
      assertThat(cache.length()).isEqualTo(keys.size());
      Map<CacheRows.At, CacheRows.Row> rows = CacheRows.of(cache);
      for (int position = 0; position < keys.size(); position++)
        for (int head = 0; head < heads; head++) {
          var row = rows.remove(new CacheRows.At(head, position));
          boolean needed = false;
          for (int query = keys.size() - queries; query < keys.size(); query++)
            needed |= form.mask().allows(query, position);
          if (row == null) {
            assertThat(needed).as("%s: position %d is gone", form, position).isFalse();
          } else {
            near(row.key(), keys.get(position), head, form.steps());
            near(row.value(), values.get(position), head, form.steps());
          }
        }
      assertThat(rows).as("rows of positions that there are not").isEmpty();
    }

    private void near(float[] row, float[] all, int head, double steps) {
      float[] wanted = Arrays.copyOfRange(all, head * dim, (head + 1) * dim);
      double largest = 0;
      for (float x : wanted) largest = Math.max(largest, Math.abs(x));
      for (int d = 0; d < dim; d++)
        assertThat((double) Math.abs(row[d] - wanted[d])).isLessThanOrEqualTo(steps * largest);
    }
  }

  @Claim("contract")
  @ParameterizedTest
  @MethodSource("forms")
  void every_cache_keeps_what_its_mask_shows_whatever_is_appended_and_taken_back(Form form) {
    RandomGenerator random = random(1);
    for (int[] shape : new int[][] {{1, 1}, {2, 5}, {3, 16}}) {
      KvCache cache = form.open(shape[0], shape[1]);
      Ledger ledger = new Ledger(shape[0], shape[1]);
      ledger.check(cache, form, 0);
      int longest = 0;
      for (int step = 0; step < 60; step++) {
        longest = Math.max(longest, cache.length());
        if (random.nextInt(3) == 0) {
          int most = form.mask() == CAUSAL ? cache.length() : SLACK - longest + cache.length();
          int back = random.nextInt(Math.clamp((long) most, 0, cache.length()) + 1);
          ledger.rewind(cache, cache.length() - back);
          ledger.check(cache, form, Math.min(1, cache.length()));
        } else {
          int tokens = Math.min(random.nextInt(1, SLACK + 1), CAPACITY - cache.length());
          if (tokens == 0) continue;
          ledger.append(cache, tokens, random);
          ledger.check(cache, form, tokens);
        }
      }
      ledger.rewind(cache, 0);
      ledger.append(cache, 3, random);
      ledger.check(cache, form, 3);
    }
  }

  @Claim("contract")
  @ParameterizedTest
  @MethodSource("forms")
  void every_cache_refuses_what_does_not_fit_and_is_left_as_it_was(Form form) {
    RandomGenerator random = random(2);
    KvCache cache = form.open(2, 3);
    Ledger ledger = new Ledger(2, 3);
    ledger.append(cache, 5, random);
    float[] rows = single(6 * 500, random);
    Refusal.of(() -> cache.append(rows, rows, 0), "tokens", "0");
    Refusal.of(() -> cache.append(rows, rows, CAPACITY), "tokens", "" + CAPACITY);
    Refusal.of(() -> cache.rewind(6), "length", "6", "5");
    Refusal.of(() -> cache.rewind(-1), "length", "-1");
    assertThatThrownBy(() -> cache.append(new float[5], rows, 1))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> cache.append(rows, new float[5], 1))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> cache.block(2, 0)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> cache.block(0, cache.blocks()))
        .isInstanceOf(IndexOutOfBoundsException.class);
    ledger.check(cache, form, 1);
  }

  @Claim("paged")
  @Test
  void pages_give_the_same_bits_as_one_piece_whatever_is_appended_taken_back_forked_or_closed(
      Proof proof) {
    RandomGenerator random = random(3);
    int compared = 0;
    for (int pageTokens : new int[] {1, 7, 64, 128}) {
      Form form = paged(pageTokens);
      PagePool pool = new PagePool(2, 6, pageTokens, 4000 / pageTokens);
      List<PagedKvCache> texts = new ArrayList<>(List.of(new PagedKvCache(pool, CAPACITY)));
      List<Ledger> ledgers = new ArrayList<>(List.of(new Ledger(2, 6)));
      for (int step = 0; step < 120; step++) {
        int i = random.nextInt(texts.size());
        PagedKvCache text = texts.get(i);
        switch (random.nextInt(8)) {
          case 0 -> ledgers.get(i).rewind(text, random.nextInt(text.length() + 1));
          case 1 -> {
            if (texts.size() == 6) break;
            texts.add(text.fork());
            ledgers.add(ledgers.get(i).copy());
          }
          case 2 -> {
            if (texts.size() == 1) break;
            text.close();
            texts.remove(i);
            ledgers.remove(i);
          }
          default -> {
            int tokens = Math.min(random.nextInt(1, 70), CAPACITY - text.length());
            if (tokens > 0) ledgers.get(i).append(text, tokens, random);
          }
        }
        if (step % 4 > 0) continue;
        for (int j = 0; j < texts.size(); j++) {
          if (texts.get(j).length() == 0) continue;
          KvCache one = ledgers.get(j).contiguous();
          int queries = random.nextInt(1, Math.min(6, one.length()) + 1);
          float[] q = single(queries * 4 * 6, random);
          // The vectorised kernel goes 64 keys at a time from the start of a block.
          List<AttentionKernel> kernels =
              pageTokens % 64 == 0 ? List.of(SCALAR, VECTORISED) : List.of(SCALAR);
          for (AttentionKernel kernel : kernels) {
            assertThat(attend(kernel, CAUSAL, q, queries, texts.get(j)))
                .isEqualTo(attend(kernel, CAUSAL, q, queries, one));
            compared++;
          }
          if (step % 20 == 0) ledgers.get(j).check(texts.get(j), form, queries);
        }
      }
    }
    proof.atLeast("attentions compared", compared, 300);
  }

  @Claim("no-leak")
  @Test
  void every_page_returns_after_random_texts_forks_failures_and_closings(Proof proof) {
    RandomGenerator random = random(4);
    PagePool pool = new PagePool(1, 2, 4, 50);
    List<PagedKvCache> texts = new ArrayList<>();
    int operations = 0;
    int failures = 0;
    float[] rows = new float[2 * 40];
    for (int step = 0; step < 20_000; step++, operations++) {
      if (texts.isEmpty() || random.nextInt(10) == 0) texts.add(new PagedKvCache(pool, 1000));
      int i = random.nextInt(texts.size());
      PagedKvCache text = texts.get(i);
      switch (random.nextInt(8)) {
        case 0 -> text.rewind(random.nextInt(text.length() + 1));
        case 1 -> texts.add(text.fork());
        case 2, 3 -> texts.remove(i).close();
        default -> {
          int before = text.length();
          try {
            text.append(rows, rows, random.nextInt(1, 41));
          } catch (PagePool.Exhausted e) {
            failures++;
            assertThat(text.length()).isEqualTo(before);
          }
        }
      }
      long held = texts.stream().mapToLong(PagedKvCache::blocks).sum();
      assertThat(pool.references()).isEqualTo(held);
      assertThat(pool.bytes()).isEqualTo((50L - pool.freePages()) * 2 * 4 * 2 * Float.BYTES);
    }
    proof.measured("operations", operations);
    proof.atLeast("of them refused for lack of pages", failures, 100);
    for (PagedKvCache text : texts) text.close();
    for (PagedKvCache text : texts) text.close(); // a second time does nothing
    assertThat(pool.freePages()).isEqualTo(50);
    assertThat(pool.references()).isZero();
    assertThat(pool.bytes()).isZero();
  }

  @Claim("sharing")
  @Test
  void a_shared_prefix_costs_no_page_until_a_text_writes_and_then_one_at_most(Proof proof) {
    RandomGenerator random = random(5);
    PagePool pool = new PagePool(2, 4, 16, 200);
    PagedKvCache prompt = new PagedKvCache(pool, 4000);
    Ledger ledger = new Ledger(2, 4);
    ledger.append(prompt, 1000, random); // 62 full pages and half of one
    long bytes = pool.bytes();
    assertThat(bytes).isEqualTo(63L * 16 * 2 * 2 * 4 * Float.BYTES);

    List<PagedKvCache> texts = new ArrayList<>();
    for (int i = 0; i < 7; i++) texts.add(prompt.fork());
    assertThat(pool.bytes()).isEqualTo(bytes);
    proof.measured("texts times their pages, to pages taken", pool.references() / 63.0);

    Form form = paged(16);
    for (PagedKvCache text : texts) {
      int free = pool.freePages();
      Ledger own = ledger.copy();
      own.append(text, 1, random); // its own copy of the last page
      assertThat(pool.freePages()).isEqualTo(free - 1);
      own.append(text, 7, random); // the rest of that page
      assertThat(pool.freePages()).isEqualTo(free - 1);
      own.check(text, form, 1);
      ledger.check(prompt, form, 1);
    }
    for (PagedKvCache text : texts) text.close();
    int free = pool.freePages();
    ledger.append(prompt, 1, random); // nobody else reads it now: written in place
    assertThat(pool.freePages()).isEqualTo(free);
    assertThat(free).isEqualTo(200 - 63);
  }

  @Claim("exhausted")
  @Test
  void an_append_without_free_pages_is_refused_whole_and_succeeds_when_another_text_is_closed() {
    RandomGenerator random = random(6);
    PagePool pool = new PagePool(1, 3, 8, 4);
    PagedKvCache first = new PagedKvCache(pool, 100);
    PagedKvCache second = new PagedKvCache(pool, 100);
    Ledger ledger = new Ledger(1, 3);
    first.append(new float[60], new float[60], 20);
    ledger.append(second, 8, random);
    assertThatThrownBy(() -> ledger.append(second, 9, random))
        .isInstanceOf(PagePool.Exhausted.class)
        .hasMessage("2 pages of 8 positions are needed and 0 of 4 are free");
    ledger.check(second, paged(8), 1);
    PagedKvCache fork = first.fork(); // 20 = 2·8 + 4: to write is to copy
    assertThatThrownBy(() -> fork.append(new float[3], new float[3], 1))
        .isInstanceOf(PagePool.Exhausted.class);
    assertThat(pool.references()).isEqualTo(3 + 3 + 1);
    first.close();
    fork.append(new float[3], new float[3], 1); // the only reader now
    fork.close();
    ledger.append(second, 9, random);
    ledger.check(second, paged(8), 9);
    assertThatThrownBy(() -> first.append(new float[3], new float[3], 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThatThrownBy(first::fork).isInstanceOf(IllegalStateException.class);
  }

  @Claim("ring")
  @Test
  void a_ring_gives_the_same_bits_as_all_tokens_behind_the_mask_of_sinks_and_window(Proof proof) {
    RandomGenerator random = random(7);
    int longest = 0;
    for (int[] kept : new int[][] {{0, 1}, {0, 64}, {4, 20}, {4, 100}, {65, 30}, {130, 64}}) {
      RingKvCache ring = new RingKvCache(2, 5, new SinkWindow(kept[0], kept[1]), 16);
      KvCache all = new ContiguousKvCache(2, 5, 5000);
      long bytes = ring.bytes();
      int most = 0;
      for (int step = 0; step < 120; step++) {
        int tokens = random.nextInt(1, 17);
        float[] keys = single(tokens * 10, random);
        float[] values = single(tokens * 10, random);
        ring.append(keys, values, tokens);
        all.append(keys, values, tokens);
        float[] q = single(tokens * 20, random);
        for (AttentionKernel kernel : List.of(SCALAR, VECTORISED))
          assertThat(attend(kernel, ring.mask(), q, tokens, ring))
              .isEqualTo(attend(kernel, ring.mask(), q, tokens, all));
        most = Math.max(most, ring.length());
        if (random.nextInt(4) == 0) {
          int back = random.nextInt(Math.clamp(17L - most + ring.length(), 1, ring.length() + 1));
          ring.rewind(ring.length() - back);
          all.rewind(all.length() - back);
        }
      }
      assertThat(ring.bytes()).isEqualTo(bytes);
      longest = Math.max(longest, most);
    }
    proof.atLeast("longest text", longest, 700);
  }

  @Claim("mask")
  @Test
  void the_mask_of_a_ring_hides_from_each_token_what_a_streaming_cache_has_dropped() {
    for (SinkWindow kept :
        List.of(new SinkWindow(0, 3), new SinkWindow(2, 5), new SinkWindow(4, 1)))
      assertThat(new RingKvCache(1, 1, kept, 1).mask().hidden(20, 20, 0).toArray())
          .isEqualTo(kept.hidden(20).toArray());
  }

  @Claim("streaming-positions")
  @Test
  void positions_inside_the_cache_need_only_the_sinks_turned_again(Proof proof) {
    RandomGenerator random = random(12);
    Rope rope = Rope.llama(8, 10_000);
    SinkWindow kept = new SinkWindow(4, 20);
    Tensor q = Tensor.gaussian(random, 1, 8);
    Tensor k = Tensor.gaussian(random, 300, 8);
    for (int tokens : new int[] {10, 24, 25, 300}) {
      int dropped = Math.max(0, tokens - kept.capacity());
      int[] held = kept.kept(tokens);
      Tensor rows = k.rows(held);
      int[] inCache = Arrays.stream(held).map(token -> kept.position(token, tokens)).toArray();
      int[] inText = Arrays.stream(held).map(t -> t < kept.sinks() ? t + dropped : t).toArray();
      double[] wanted = scores(rope, q, inCache[held.length - 1], rows, inCache);
      double[] got = scores(rope, q, tokens - 1, rows, inText);
      proof.atMost("max |Δ| of a score", gap(got, wanted), 1e-12);
    }
  }

  /// Of a query at a position with keys at theirs.
  private static double[] scores(Rope rope, Tensor q, int position, Tensor k, int[] positions) {
    return rope.apply(q, position).matmulTransposed(rope.apply(k, positions)).toArray();
  }

  @Claim("ring-forgets")
  @Test
  void a_ring_takes_back_its_slack_and_refuses_to_go_where_it_has_overwritten() {
    RandomGenerator random = random(8);
    SinkWindow kept = new SinkWindow(3, 50);
    Form form = ring(kept);
    RingKvCache ring = new RingKvCache(1, 2, kept, SLACK);
    Ledger ledger = new Ledger(1, 2);
    for (int i = 0; i < 20; i++) ledger.append(ring, SLACK, random);
    ledger.rewind(ring, 800 - SLACK);
    ledger.check(ring, form, 1);
    Refusal.of(() -> ring.rewind(300), "length 300", "position 250");
    ledger.check(ring, form, 1);
    Refusal.of(() -> ring.append(new float[200], new float[200], SLACK + 1), "slack", "41");
    ledger.rewind(ring, 2); // the sinks are there for ever
    ledger.append(ring, SLACK, random);
    ledger.check(ring, form, SLACK);
  }

  @Claim("int8-rows")
  @Test
  void a_byte_is_within_half_a_step_of_its_number_and_a_row_does_not_see_another(Proof proof) {
    RandomGenerator random = random(9);
    KvCache cache = new Int8KvCache(1, 64, 1000);
    for (int row = 0; row < 300; row++) {
      float[] x = single(64, random);
      float size = (float) Math.pow(10, random.nextInt(-30, 30)); // beside rows of any other size
      float largest = 0;
      for (int d = 0; d < 64; d++) largest = Math.max(largest, Math.abs(x[d] *= size));
      cache.append(x, x, 1);
      var block = cache.block(0, row / 64);
      for (int d = 0; d < 64; d++) {
        float kept = block.keys()[block.keysFrom() + row % 64 * 64 + d];
        double steps = Math.abs((double) kept - x[d]) / (largest / 127.0);
        proof.atMost("error, steps", steps, 0.5 + STEP_ROUNDING);
      }
    }
  }

  @Claim("int8-rows")
  @Test
  void a_row_of_zeros_stays_zero_and_a_row_with_a_nan_or_infinity_is_nan() {
    KvCache cache = new Int8KvCache(1, 2, 10);
    float[] rows = {0, -0f, 1, Float.NaN, Float.NEGATIVE_INFINITY, 1, 2e-45f, -1e-44f, 254, -3};
    cache.append(rows, rows, 5);
    var block = cache.block(0, 0);
    assertThat(Arrays.copyOf(block.keys(), 2)).containsExactly(0, 0);
    assertThat(Arrays.copyOfRange(block.keys(), 2, 6)).containsOnly(Float.NaN);
    assertThat(Arrays.copyOfRange(block.keys(), 6, 8)).doesNotContain(Float.NaN);
    assertThat(Arrays.copyOfRange(block.keys(), 8, 10)).containsExactly(254, -2);
  }

  @Claim("int8-output")
  @Test
  void the_error_of_attention_over_bytes_stays_within_the_derived_bound(Proof proof) {
    RandomGenerator random = random(10);
    double typical = 0;
    int cases = 0;
    for (int headDim : new int[] {8, 64}) {
      var layer = new GroupedQuery(2, 2, ScaledDotProduct.of(headDim));
      for (int trial = 0; trial < 60; trial++, cases++) {
        int length = random.nextInt(1, 200);
        float spread = (float) Math.pow(2, random.nextInt(-4, 4));
        float[] keys = single(length * 2 * headDim, random);
        for (int i = 0; i < keys.length; i++) keys[i] *= spread;
        float[] values = single(keys.length, random);
        float[] q = single(2 * headDim, random);
        KvCache exact = new ContiguousKvCache(2, headDim, 200);
        KvCache bytes = new Int8KvCache(2, headDim, 200);
        exact.append(keys, values, length);
        bytes.append(keys, values, length);
        float[] wanted = new float[q.length];
        float[] got = new float[q.length];
        SCALAR.apply(layer, CAUSAL, q, 1, exact, wanted);
        SCALAR.apply(layer, CAUSAL, q, 1, bytes, got);
        for (int head = 0; head < 2; head++)
          for (int d = 0; d < headDim; d++) {
            int at = head * headDim + d;
            double bound = bound(layer, q, keys, values, length, head, d) + 1e-6;
            double ratio = Math.abs((double) got[at] - wanted[at]) / bound;
            proof.atMost("largest error, parts of its bound", ratio, 1);
            typical = Math.max(typical, Math.abs(got[at] - wanted[at]) / spread(values));
          }
      }
    }
    assertThat(cases).isEqualTo(120);
    proof.measured("largest error, parts of the largest value", typical);
  }

  /// max s_value/2 + tanh(δ/2)·(max v − min v), with δ = scale·‖q‖₁·max s_key/2.
  private static double bound(
      GroupedQuery layer,
      float[] q,
      float[] keys,
      float[] values,
      int length,
      int head,
      int channel) {
    int dim = q.length / 2;
    double q1 = 0;
    for (int d = 0; d < dim; d++) q1 += Math.abs(q[head * dim + d]);
    double keyStep = 0;
    double valueStep = 0;
    double least = Double.POSITIVE_INFINITY;
    double most = Double.NEGATIVE_INFINITY;
    for (int t = 0; t < length; t++) {
      int from = (2 * t + head) * dim;
      keyStep = Math.max(keyStep, spread(Arrays.copyOfRange(keys, from, from + dim)) / 127);
      valueStep = Math.max(valueStep, spread(Arrays.copyOfRange(values, from, from + dim)) / 127);
      least = Math.min(least, values[from + channel]);
      most = Math.max(most, values[from + channel]);
    }
    double delta = layer.attention().scale() * q1 * keyStep / 2;
    return valueStep / 2 + Math.tanh(delta / 2) * (most - least);
  }

  private static double spread(float[] values) {
    double largest = 0;
    for (float value : values) largest = Math.max(largest, Math.abs(value));
    return largest;
  }

  @Claim("memory")
  @Test
  void memory_is_what_each_cache_says_it_is(Proof proof) {
    float[] rows = new float[2 * 1024 * 64];
    KvCache contiguous = new ContiguousKvCache(2, 64, 2048);
    KvCache bytes = new Int8KvCache(2, 64, 2048);
    long empty = bytes.bytes();
    PagePool pool = new PagePool(2, 64, 16, 128);
    PagedKvCache paged = new PagedKvCache(pool, 2048);
    KvCache ring = new RingKvCache(2, 64, new SinkWindow(4, 512), 32);
    long fixed = ring.bytes();
    for (KvCache cache : List.of(contiguous, bytes, paged)) {
      cache.append(rows, rows, 1024);
      cache.append(rows, rows, 1024);
    }
    for (int t = 0; t < 2048; t += 32) ring.append(rows, rows, 32);
    long full = 2L * 2 * 64 * 4 * 2048;
    assertThat(contiguous.bytes()).isEqualTo(full);
    assertThat(paged.bytes()).isEqualTo(full).isEqualTo(pool.bytes());
    assertThat(ring.bytes()).isEqualTo(fixed).isEqualTo(2L * 2 * 64 * 4 * (4 + 576 + 64));
    assertThat(bytes.bytes() - empty).isEqualTo(2L * 2 * (64 + 4) * (2048 - 64));
    proof.measured("bytes of int8 to float, heads of 64", 68 / 256.0);
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("forms")
  void both_kernels_read_every_cache_as_the_formula_does(Form form, Proof proof) {
    RandomGenerator random = random(11);
    for (int headDim : new int[] {3, 34}) {
      KvCache cache = form.open(2, headDim);
      Ledger ledger = new Ledger(2, headDim);
      while (cache.length() < 200) {
        int tokens = random.nextInt(1, SLACK + 1);
        ledger.append(cache, tokens, random);
        float[] q = single(tokens * 4 * headDim, random);
        double[] wanted = formula(ledger, layer(cache), form.mask(), q, tokens);
        double tolerance = form.exact() ? 5e-6 : 0.05; // floats; the bytes' own bound is a claim
        for (AttentionKernel kernel : List.of(SCALAR, VECTORISED)) {
          float[] got = attend(kernel, form.mask(), q, tokens, cache);
          double worst = 0;
          for (int i = 0; i < got.length; i++)
            worst = Math.max(worst, Math.abs(got[i] - wanted[i]));
          proof.atMost(form.exact() ? "max |Δ|" : "max |Δ| of int8", worst, tolerance);
        }
      }
    }
  }

  private static double[] formula(
      Ledger ledger, GroupedQuery layer, AttentionMask mask, float[] q, int queries) {
    int length = ledger.keys.size();
    Tensor k = tensor(ledger.keys, ledger);
    Tensor v = tensor(ledger.values, ledger);
    Tensor rows = Tensor.of(doubles(q), queries, layer.heads(), ledger.dim).transpose(0, 1);
    return layer
        .apply(rows, k, v, mask.hidden(queries, length, length - queries))
        .transpose(0, 1)
        .toArray();
  }

  private static Tensor tensor(List<float[]> rows, Ledger ledger) {
    double[] all = rows.stream().flatMapToDouble(KvCacheVariantsTest::stream).toArray();
    return Tensor.of(all, rows.size(), ledger.heads, ledger.dim).transpose(0, 1);
  }

  private static DoubleStream stream(float[] row) {
    return Arrays.stream(doubles(row));
  }

  @Claim("parity")
  @GoldenCases("core/kv-cache")
  void every_exact_cache_equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    int headDim = golden.integer("head_dim");
    var layer =
        new CachedAttention(
            new GroupedQuery(
                golden.integer("heads"), golden.integer("kv_heads"), ScaledDotProduct.of(headDim)),
            Rope.llama(headDim, golden.number("theta")),
            golden.tensor("q_proj"),
            golden.tensor("k_proj"),
            golden.tensor("v_proj"),
            golden.tensor("o_proj"));
    Tensor x = golden.tensor("x");
    int length = x.size(0);
    List<Form> exact =
        List.of(paged(1), paged(4), paged(64), ringFor(length, 0), ringFor(length, 2));
    for (Form form : exact)
      for (AttentionKernel kernel : List.of(SCALAR, VECTORISED)) {
        KvCache cache = form.open(layer.heads().keyValueHeads(), headDim);
        var text = new CachedText.Fast(layer, kernel, cache);
        Tensor[] outputs = new Tensor[golden.params().path("chunks").size()];
        int from = 0;
        for (int i = 0; i < outputs.length; i++) {
          int chunk = golden.params().path("chunks").get(i).asInt();
          outputs[i] = text.append(x.slice(0, from, from + chunk));
          from += chunk;
        }
        golden.expect("step_out", Tensor.concat(0, outputs), proof);
        golden.expect("cache_k", text.past().keys(), proof);
        golden.expect("cache_v", text.past().values(), proof);
      }
  }

  /// A ring as long as the text, which it fills to the brim.
  private static Form ringFor(int length, int sinks) {
    return new Form(
        "ring", (h, d) -> new RingKvCache(h, d, new SinkWindow(sinks, length), length), CAUSAL, 0);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new PagePool(1, 1, 0, 1), "pageTokens", "0");
    Refusal.of(() -> new PagePool(1 << 15, 1 << 15, 4, 1), "fit", "32768");
    PagePool pool = new PagePool(1, 1, 4, 2);
    Refusal.of(() -> new PagedKvCache(pool, 0), "capacity", "0");
    Refusal.of(() -> new RingKvCache(0, 1, new SinkWindow(1, 1), 1), "heads", "0");
    Refusal.of(() -> new RingKvCache(1, 1, new SinkWindow(1, 1), 0), "slack", "0");
    Refusal.of(() -> new RingKvCache(64, 64, new SinkWindow(0, Integer.MAX_VALUE), 1), "fit", "64");
    Refusal.of(() -> new RingKvCache(64, 64, new SinkWindow(1 << 30, 8), 1), "fit", "1073741824");
    Refusal.of(() -> new Int8KvCache(1, 0, 1), "headDim", "0");
    Refusal.of(() -> new Int8KvCache(1 << 15, 1 << 15, 1 << 15), "fit", "32768");
  }
}
