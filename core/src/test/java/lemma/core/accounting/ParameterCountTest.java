package lemma.core.accounting;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.core.activation.Activation;
import lemma.core.format.Checkpoint;
import lemma.core.format.StoredTensor;
import lemma.core.model.BertConfig;
import lemma.core.model.Gpt2Config;
import lemma.core.model.LlamaConfig;
import lemma.core.model.LlamaConfig.Variant;
import lemma.core.model.ModelConfig;
import lemma.core.model.T5Config;
import lemma.core.position.Rope;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Proves("parameter-count")
class ParameterCountTest {
  private static final Variant QWEN2 = new Variant(false, true, false, false, false, 0, 0);
  private static final Variant QWEN2_TIED = new Variant(true, true, false, false, false, 0, 0);
  private static final Variant QWEN3 = new Variant(false, false, false, false, true, 0, 0);

  /// A decoder of the Llama family; experts as 0, or as 8 of which 2 are used.
  static LlamaConfig llama(
      int vocabulary,
      int hidden,
      int intermediate,
      int layers,
      int heads,
      int keyValueHeads,
      int experts,
      Variant variant) {
    int headDim = variant.queryKeyNorm() ? 128 : hidden / heads;
    return new LlamaConfig(
        vocabulary,
        hidden,
        intermediate,
        layers,
        heads,
        keyValueHeads,
        headDim,
        4096,
        1e-5,
        Rope.llama(headDim, 10_000),
        experts,
        experts == 0 ? 0 : 2,
        variant);
  }

  record Published(String name, ModelConfig config, long parameters) {
    @Override
    public String toString() {
      return name;
    }
  }

  static final LlamaConfig LLAMA_2_7B = llama(32000, 4096, 11008, 32, 32, 32, 0, Variant.LLAMA);
  static final LlamaConfig LLAMA_3_8B = llama(128256, 4096, 14336, 32, 32, 8, 0, Variant.LLAMA);
  static final LlamaConfig MIXTRAL = llama(32000, 4096, 14336, 32, 32, 8, 8, Variant.LLAMA);
  static final Gpt2Config GPT2 = Gpt2Config.published(50257, 768, 12, 12, 1024);

  static Stream<Published> published() {
    return Stream.of(
        new Published("GPT-2 small", GPT2, 124_439_808),
        new Published("GPT-2 XL", Gpt2Config.published(50257, 1600, 48, 25, 1024), 1_557_611_200),
        new Published("Llama-2-7B", LLAMA_2_7B, 6_738_415_616L),
        new Published(
            "Llama-2-70B", llama(32000, 8192, 28672, 80, 64, 8, 0, Variant.LLAMA), 68_976_648_192L),
        new Published("Llama-3-8B", LLAMA_3_8B, 8_030_261_248L),
        new Published(
            "Llama-3.2-1B", llama(128256, 2048, 8192, 16, 32, 8, 0, Variant.TIED), 1_235_814_400),
        new Published(
            "Mistral-7B", llama(32000, 4096, 14336, 32, 32, 8, 0, Variant.LLAMA), 7_241_732_096L),
        new Published("Mixtral-8x7B", MIXTRAL, 46_702_792_704L),
        new Published("Qwen2-7B", llama(152064, 3584, 18944, 28, 28, 4, 0, QWEN2), 7_615_616_512L),
        new Published(
            "Qwen2.5-0.5B", llama(151936, 896, 4864, 24, 14, 2, 0, QWEN2_TIED), 494_032_768),
        new Published("Qwen3-8B", llama(151936, 4096, 12288, 36, 32, 8, 0, QWEN3), 8_190_735_360L),
        new Published(
            "BERT base", BertConfig.published(30522, 768, 3072, 12, 12, 512), 109_514_298),
        new Published(
            "BERT large", BertConfig.published(30522, 1024, 4096, 24, 16, 512), 335_174_458),
        new Published("T5 small", t5(512, 64, 2048, 6, 8, false, true), 60_506_624),
        new Published("T5 base", t5(768, 64, 3072, 12, 12, false, true), 222_903_552),
        new Published("T5 v1.1 base", t5(768, 64, 2048, 12, 12, true, false), 247_577_856));
  }

  private static T5Config t5(
      int hidden, int headDim, int inner, int layers, int heads, boolean gated, boolean tied) {
    return new T5Config(
        32128,
        hidden,
        headDim,
        inner,
        layers,
        layers,
        heads,
        32,
        128,
        512,
        1e-6,
        new Activation.Relu(),
        gated,
        tied,
        0);
  }

  @Claim("published")
  @ParameterizedTest
  @MethodSource("published")
  void the_formula_gives_the_published_number_to_the_last_parameter(Published model) {
    assertThat(ParameterCount.of(model.config()).total()).isEqualTo(model.parameters());
    assertThat(ParameterCount.walk(model.config())).isEqualTo(model.parameters());
  }

  @Claim("agreement")
  @Test
  void formula_and_walk_agree_for_any_sizes_and_variants() {
    RandomGenerator random = random(1);
    for (int trial = 0; trial < 200; trial++) {
      int heads = random.nextInt(1, 5);
      int kv = random.nextBoolean() ? heads : 1;
      int d = heads * 2 * random.nextInt(1, 9);
      int f = random.nextInt(1, 50);
      int layers = random.nextInt(1, 5);
      int v = random.nextInt(1, 99);
      boolean a = random.nextBoolean();
      boolean b = random.nextBoolean();
      var variant = new Variant(a, b, random.nextBoolean(), random.nextBoolean(), !b, 0, 0);
      boolean experts = random.nextBoolean() && !variant.feedForwardBias();
      for (ModelConfig config :
          List.of(
              llama(v, d, f, layers, heads, kv, experts ? 3 : 0, variant),
              new Gpt2Config(v, d, f, layers, heads, 77, 1e-5, a, b),
              new BertConfig(v, d, f, layers, heads, 9, 3, 1e-12, new Activation.Gelu(), a),
              new T5Config(
                  v,
                  d,
                  6,
                  f,
                  layers,
                  layers + 1,
                  heads,
                  32,
                  128,
                  9,
                  1e-6,
                  new Activation.Relu(),
                  a,
                  b,
                  0))) {
        assertThat(ParameterCount.of(config).total()).isEqualTo(ParameterCount.walk(config));
        assertThat(ParameterCount.of(config).of(ParameterCount.ATTENTION))
            .as("attention of " + config)
            .isEqualTo(sizes(config, "attn|attention\\.(self|output\\.dense)|Attention\\.[qkvo]"));
        assertThat(ParameterCount.of(config).of(ParameterCount.FEED_FORWARD))
            .as("feed-forward of " + config)
            .isEqualTo(
                sizes(
                    config, "mlp|moe|intermediate|layer\\.[0-9]+\\.output\\.dense|DenseReluDense"));
      }
    }
  }

  private static long sizes(ModelConfig config, String names) {
    long sum = 0;
    for (Map.Entry<String, int[]> weight : config.weightShapes().entrySet()) {
      if (!weight.getKey().matches(".*(" + names + ").*")) continue;
      long size = 1;
      for (int axis : weight.getValue()) size *= axis;
      sum += size;
    }
    return sum;
  }

  @Claim("files")
  @Test
  void checkpoints_of_every_family_hold_as_many_numbers_as_their_configuration_says(Proof proof)
      throws IOException, URISyntaxException {
    Path folder = Path.of(getClass().getResource("/golden/core/checkpoints").toURI());
    List<String> counted = new ArrayList<>();
    try (Stream<Path> checkpoints = Files.list(folder)) {
      for (Path each : checkpoints.sorted().toList()) {
        if (!Files.exists(each.resolve("config.json"))) continue;
        long stored =
            Checkpoint.open(each).tensors().values().stream().mapToLong(StoredTensor::count).sum();
        assertThat(ParameterCount.of(ModelConfig.read(each)).total())
            .as(each.toString())
            .isEqualTo(stored);
        assertThat(ModelConfig.read(each.resolve("config.json"))).isEqualTo(ModelConfig.read(each));
        counted.add(each.getFileName().toString());
      }
    }
    assertThat(counted).contains("bert", "gpt2", "llama", "mixtral", "qwen2", "qwen3", "t5");
    proof.measured("checkpoints", counted.size());
  }

  @Claim("twelve")
  @Test
  void twelve_d_squared_counts_one_layer_of_multi_head_attention_with_two_matrices_of_four_d(
      Proof proof) {
    ParameterCount gpt2 = ParameterCount.of(GPT2);
    double layers = gpt2.of(ParameterCount.ATTENTION) + gpt2.of(ParameterCount.FEED_FORWARD);
    proof.atMost(
        "GPT-2: layers beyond 12·L·d²", layers / ParameterCount.ruleOfThumb(12, 768) - 1, 0.002);
    proof.atLeast(
        "GPT-2: whole model beyond it",
        (double) gpt2.total() / ParameterCount.ruleOfThumb(12, 768) - 1,
        0.4);
    assertThat(layers / ParameterCount.ruleOfThumb(1, 768)) // taken for the whole model
        .isBetween(12.0, 12.1);

    ParameterCount llama3 = ParameterCount.of(LLAMA_3_8B);
    double d = 4096;
    assertThat(llama3.of(ParameterCount.ATTENTION) / 32 / (d * d)).isEqualTo(2.5); // not 4
    assertThat(llama3.of(ParameterCount.FEED_FORWARD) / 32 / (d * d)).isEqualTo(10.5); // not 8
    proof.atLeast(
        "Mixtral: layers to 12·L·d²",
        (double) ParameterCount.of(MIXTRAL).total() / ParameterCount.ruleOfThumb(32, 4096),
        7);
  }

  @Claim("shares")
  @Test
  void where_the_parameters_are(Proof proof) {
    ParameterCount small = ParameterCount.of(GPT2);
    ParameterCount large = ParameterCount.of(LLAMA_2_7B);
    proof.atLeast(
        "GPT-2 small: share of the embedding", share(small, ParameterCount.EMBEDDING), 0.3);
    proof.atMost(
        "Llama-2-7B: share of the embedding", share(large, ParameterCount.EMBEDDING), 0.02);
    proof.atLeast("Llama-2-7B: share of the feed-forward", share(large, "feed-forward"), 0.64);
  }

  private static double share(ParameterCount count, String part) {
    return (double) count.of(part) / count.total();
  }

  @Claim("experts")
  @Test
  void a_token_of_mixtral_meets_a_quarter_of_the_parameters(Proof proof) {
    ParameterCount mixtral = ParameterCount.of(MIXTRAL);
    assertThat(mixtral.active()).isEqualTo(12_879_925_248L);
    proof.measured("active share", (double) mixtral.active() / mixtral.total());
    assertThat(mixtral.total()).isLessThan(8 * ParameterCount.of(LLAMA_3_8B).total() * 3 / 4);
    assertThat(mixtral.of(ParameterCount.ATTENTION)) // shared by all experts
        .isEqualTo(ParameterCount.of(LLAMA_3_8B).of(ParameterCount.ATTENTION));
  }

  @Claim("parity")
  @GoldenCases("core/parameter-count")
  void equals_the_model_classes_of_the_reference(GoldenCase golden, Proof proof) {
    ParameterCount count = ParameterCount.of(config(golden));
    golden.expect("total", count.total(), proof);
    golden.expect(
        "embedding",
        count.of(ParameterCount.EMBEDDING) + count.of(ParameterCount.POSITIONS),
        proof);
    golden.expect("lm_head", count.of(ParameterCount.HEAD), proof);
    golden.expect("per_layer", count.perLayer(), proof);
    golden.expect("active", count.active(), proof);
    golden.expect("bytes_fp32", WeightFormat.F32.bytes(count.total()), proof);
    golden.expect("bytes_fp16", WeightFormat.F16.bytes(count.total()), proof);
    golden.expect("bytes_int8", WeightFormat.INT8.bytes(count.total()), proof);
  }

  private static ModelConfig config(GoldenCase golden) {
    String type = golden.text("model_type");
    boolean tied = golden.flag("tie_word_embeddings");
    if (type.equals("gpt2"))
      return new Gpt2Config(
          golden.integer("vocab_size"),
          golden.integer("n_embd"),
          golden.params().path("n_inner").asInt(4 * golden.integer("n_embd")),
          golden.integer("n_layer"),
          golden.integer("n_head"),
          golden.integer("n_positions"),
          1e-5,
          tied,
          false);
    int heads = golden.integer("num_attention_heads");
    int hidden = golden.integer("hidden_size");
    int headDim =
        golden.params().path("head_dim").asInt(type.equals("qwen3") ? 128 : hidden / heads);
    boolean bias = golden.params().path("attention_bias").asBoolean(false);
    boolean qwen3 = type.equals("qwen3");
    return new LlamaConfig(
        golden.integer("vocab_size"),
        hidden,
        golden.integer("intermediate_size"),
        golden.integer("num_hidden_layers"),
        heads,
        golden.params().path("num_key_value_heads").asInt(heads),
        headDim,
        4096,
        1e-5,
        Rope.llama(headDim, 10_000),
        golden.params().path("num_local_experts").asInt(0),
        golden.params().path("num_experts_per_tok").asInt(0),
        new Variant(tied, type.equals("qwen2") || bias, bias, false, qwen3, 0, 0));
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> WeightFormat.Q4_0.bytes(-1), "weights", "-1");
    Refusal.of(() -> AdapterMemory.of(GPT2, 0), "rank", "0");
    Refusal.of(() -> ModelConfig.read(Path.of("no.json")), "no.json", "no such file");
  }
}
