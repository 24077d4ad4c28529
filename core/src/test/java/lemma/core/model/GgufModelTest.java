package lemma.core.model;

import static lemma.core.model.RandomModels.tokens;
import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lemma.core.format.BlockFormat;
import lemma.core.format.FloatFormat;
import lemma.core.format.Gguf;
import lemma.core.format.GgufValue;
import lemma.core.format.GgufWriter;
import lemma.core.format.StoredTensor;
import lemma.core.model.LlamaConfig.Variant;
import lemma.core.position.Rope;
import lemma.core.position.RopeScaling;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Proves("decoder-models")
class GgufModelTest {

  static Stream<ReferenceCheckpoint.GgufFile> files() throws Exception {
    return ReferenceCheckpoint.ggufFiles();
  }

  @Claim("gguf-parity")
  @ParameterizedTest(allowZeroInvocations = true, name = "{0}")
  @MethodSource("files")
  void both_forms_speak_the_tokens_of_the_reference(
      ReferenceCheckpoint.GgufFile golden, Proof proof) throws IOException {
    boolean gpt2 = ModelCheckpoint.open(golden.file()).config() instanceof Gpt2Config;
    speak(golden, gpt2 ? Gpt2.load(golden.file()) : Llama.load(golden.file()), proof);
    for (int threads : new int[] {1, 3})
      try (var decoder = DecoderModel.open(golden.file(), threads)) {
        speak(golden, decoder, proof);
      }
  }

  private static void speak(ReferenceCheckpoint.GgufFile golden, LanguageModel model, Proof proof) {
    golden
        .prompts()
        .forEach(prompt -> {
          var session = model.open();
          float[] logits = session.append(prompt.tokens());
          golden
              .of()
              .expect("last logits", doubles(logits), prompt.numbers("last_logits"), 1, proof);
          golden.of().continues(prompt, session, logits, proof);
        });
  }

  private static final Rope ROPE = Rope.llama(10, 500_000);

  /// What a converter makes of a model: other names, permuted rows, stacked experts.
  private record Conversion(Path file) {

    void llama(Llama model, String architecture, Map<String, GgufValue> more, StoredTensor... extra)
        throws IOException {
      LlamaConfig c = model.config();
      boolean permuted = architecture.equals("llama");
      Map<String, GgufValue> keys = new LinkedHashMap<>();
      keys.put("general.architecture", new GgufValue.Text(architecture));
      put(keys, architecture + ".context_length", c.contextLength());
      put(keys, architecture + ".embedding_length", c.hiddenSize());
      put(keys, architecture + ".block_count", c.layers());
      put(keys, architecture + ".feed_forward_length", c.intermediateSize());
      put(keys, architecture + ".attention.head_count", c.heads());
      put(keys, architecture + ".attention.head_count_kv", c.keyValueHeads());
      put(keys, architecture + ".attention.key_length", c.headDim());
      put(keys, architecture + ".attention.value_length", c.headDim());
      keys.put(architecture + ".rope.freq_base", real(c.rope().base()));
      keys.put(architecture + ".attention.layer_norm_rms_epsilon", real(c.epsilon()));
      if (c.experts() > 0) {
        put(keys, architecture + ".expert_count", c.experts());
        put(keys, architecture + ".expert_used_count", c.expertsPerToken());
      }
      keys.putAll(more);
      var w = model.weights();
      List<StoredTensor> tensors = new ArrayList<>(List.of(extra));
      tensors.add(stored("token_embd.weight", w.get("model.embed_tokens.weight")));
      tensors.add(stored("output_norm.weight", w.get("model.norm.weight")));
      if (!c.variant().tiedEmbeddings())
        tensors.add(stored("output.weight", w.get("lm_head.weight")));
      for (int layer = 0; layer < c.layers(); layer++) {
        String from = "model.layers." + layer + ".";
        String to = "blk." + layer + ".";
        String[][] names = {
          {"input_layernorm", "attn_norm"},
          {"self_attn.q_proj", "attn_q"},
          {"self_attn.k_proj", "attn_k"},
          {"self_attn.v_proj", "attn_v"},
          {"self_attn.o_proj", "attn_output"},
          {"self_attn.q_norm", "attn_q_norm"},
          {"self_attn.k_norm", "attn_k_norm"},
          {"post_attention_layernorm", "ffn_norm"},
          {"mlp.gate_proj", "ffn_gate"},
          {"mlp.up_proj", "ffn_up"},
          {"mlp.down_proj", "ffn_down"},
          {"block_sparse_moe.gate", "ffn_gate_inp"}
        };
        for (String[] name : names)
          for (String kind : new String[] {".weight", ".bias"}) {
            Tensor weight = w.get(from + name[0] + kind);
            if (weight == null) continue;
            boolean rotated = name[1].equals("attn_q") || name[1].equals("attn_k");
            tensors.add(
                stored(
                    to + name[1] + kind,
                    permuted && rotated ? interleaved(weight, c.headDim()) : weight));
          }
        String[][] parts = {{"w1", "gate"}, {"w2", "down"}, {"w3", "up"}};
        for (String[] part : parts) {
          Tensor[] experts = new Tensor[c.experts()];
          for (int e = 0; e < experts.length; e++)
            experts[e] = w.get(from + "block_sparse_moe.experts." + e + "." + part[0] + ".weight");
          if (experts.length > 0)
            tensors.add(stored(to + "ffn_" + part[1] + "_exps.weight", Tensor.stack(0, experts)));
        }
      }
      GgufWriter.write(file, keys, tensors);
    }

    /// Row i of a head becomes row 2i, row i + headDim/2 row 2i + 1.
    private static Tensor interleaved(Tensor rows, int headDim) {
      int[] source = new int[rows.size(0)];
      for (int i = 0; i < source.length; i++) {
        int within = i % headDim;
        source[i] = i - within + within / 2 + within % 2 * (headDim / 2);
      }
      return rows.rows(source);
    }

    void gpt2(Gpt2 model) throws IOException {
      Gpt2Config c = model.config();
      Map<String, GgufValue> keys = new LinkedHashMap<>();
      keys.put("general.architecture", new GgufValue.Text("gpt2"));
      put(keys, "gpt2.context_length", c.contextLength());
      put(keys, "gpt2.embedding_length", c.hiddenSize());
      put(keys, "gpt2.block_count", c.layers());
      put(keys, "gpt2.feed_forward_length", c.intermediateSize());
      put(keys, "gpt2.attention.head_count", c.heads());
      keys.put("gpt2.attention.layer_norm_epsilon", real(c.epsilon()));
      List<StoredTensor> tensors = new ArrayList<>();
      model
          .weights()
          .forEach((name, weight) -> {
            boolean conv = name.matches(".*\\.c_(attn|proj|fc)\\.weight");
            String to =
                name.replace("transformer.wte", "token_embd")
                    .replace("transformer.wpe", "position_embd")
                    .replace("transformer.ln_f", "output_norm")
                    .replace("transformer.h.", "blk.")
                    .replace("ln_1", "attn_norm")
                    .replace("ln_2", "ffn_norm")
                    .replace("attn.c_attn", "attn_qkv")
                    .replace("attn.c_proj", "attn_output")
                    .replace("mlp.c_fc", "ffn_up")
                    .replace("mlp.c_proj", "ffn_down");
            tensors.add(stored(to, conv ? weight.transpose(0, 1) : weight));
          });
      GgufWriter.write(file, keys, tensors);
    }

    private static void put(Map<String, GgufValue> keys, String key, int value) {
      keys.put(key, new GgufValue.Whole(GgufValue.Type.UINT32, value));
    }

    private static GgufValue real(double value) {
      return new GgufValue.Real(GgufValue.Type.FLOAT32, (float) value);
    }

    private static StoredTensor stored(String name, Tensor weight) {
      return StoredTensor.of(name, weight.toArray(), weight.shape(), FloatFormat.F32);
    }
  }

  private static LlamaConfig config(Variant variant, int experts, Rope rope) {
    int perToken = Math.min(2, experts);
    return new LlamaConfig(61, 24, 40, 2, 6, 2, 10, 100, 1e-6, rope, experts, perToken, variant);
  }

  private static void same(Tensor wanted, Path file, int[] tokens, Proof proof) throws IOException {
    double largest = wanted.abs().max().item();
    try (var decoder = DecoderModel.open(file, 1)) {
      for (LanguageModel form :
          new LanguageModel[] {
            decoder, decoder instanceof Gpt2Decoder ? Gpt2.load(file) : Llama.load(file)
          }) {
        float[] logits = form.open().append(tokens);
        double[] last = wanted.select(0, tokens.length - 1).toArray();
        // weights, ε and divisors of frequencies were rounded to floats
        proof.atMost("relative gap", gap(doubles(logits), last) / largest, 2e-5);
      }
    }
  }

  @Claim("gguf")
  @Test
  void a_converted_model_computes_the_same(@TempDir Path folder, Proof proof) throws IOException {
    var qwen2 = new Variant(false, true, false, false, false, 0, 0);
    var qwen3 = new Variant(true, false, false, false, true, 0, 0);
    var biased = new Variant(true, true, true, true, false, 0, 0);
    Path file = folder.resolve("model.gguf");
    int[] tokens = null;
    for (var each :
        Map.of(
                config(Variant.LLAMA, 0, ROPE), "llama",
                config(Variant.TIED, 0, ROPE), "llama",
                config(biased, 0, ROPE), "llama",
                config(Variant.LLAMA, 5, ROPE), "llama",
                config(qwen2, 0, ROPE), "qwen2",
                config(qwen3, 0, ROPE), "qwen3")
            .entrySet()) {
      LlamaConfig config = each.getKey();
      Llama model = new Llama(config, RandomModels.weights(config, random(1)));
      tokens = tokens(40, config, random(2));
      new Conversion(file).llama(model, each.getValue(), Map.of());
      same(model.forward(new int[][] {tokens}).select(0, 0), file, tokens, proof);
    }
    Gpt2Config config = Gpt2Config.published(61, 24, 2, 3, 90);
    Gpt2 gpt2 = new Gpt2(config, RandomModels.weights(config, random(3)));
    new Conversion(file).gpt2(gpt2);
    same(gpt2.forward(new int[][] {tokens}).select(0, 0), file, tokens, proof);
  }

  @Claim("gguf")
  @Test
  void scaled_frequencies_are_read(@TempDir Path folder, Proof proof) throws IOException {
    Path file = folder.resolve("model.gguf");
    var scaling = new RopeScaling.Llama3(8, 1, 4, 16);
    Rope scaled = new Rope(10, 10, 10_000, Rope.Layout.HALVES, scaling);
    LlamaConfig config = config(Variant.TIED, 0, scaled);
    Llama model = new Llama(config, RandomModels.weights(config, random(4)));
    int[] tokens = tokens(60, config, random(5));
    double[] plain = RopeScaling.unscaled(10, 10_000);
    double[] divisors = scaling.frequencies(10, 10_000);
    for (int i = 0; i < plain.length; i++) divisors[i] = plain[i] / divisors[i];
    StoredTensor freqs =
        StoredTensor.of("rope_freqs.weight", divisors, new int[] {5}, FloatFormat.F32);
    new Conversion(file).llama(model, "llama", Map.of(), freqs);
    same(model.forward(new int[][] {tokens}).select(0, 0), file, tokens, proof);

    Rope linear = new Rope(10, 10, 10_000, Rope.Layout.HALVES, new RopeScaling.Linear(4));
    Llama slower = new Llama(config(Variant.TIED, 0, linear), model.weights());
    Map<String, GgufValue> keys =
        Map.of(
            "llama.rope.scaling.type", new GgufValue.Text("linear"),
            "llama.rope.scaling.factor", new GgufValue.Real(GgufValue.Type.FLOAT32, 4));
    new Conversion(file).llama(slower, "llama", keys);
    same(slower.forward(new int[][] {tokens}).select(0, 0), file, tokens, proof);
  }

  @Claim("rotary-layout")
  @Test
  void rows_that_were_not_permuted_fail_silently(@TempDir Path folder, Proof proof)
      throws IOException {
    Path file = folder.resolve("model.gguf");
    LlamaConfig config = config(Variant.TIED, 0, ROPE);
    Llama model = new Llama(config, RandomModels.weights(config, random(6)));
    int[] tokens = tokens(20, config, random(7));
    new Conversion(file).llama(model, "qwen2", Map.of()); // as they are, for halves
    Gguf halves = Gguf.open(file);
    Map<String, GgufValue> keys = new LinkedHashMap<>();
    halves.metadata().forEach((key, value) -> keys.put(key.replace("qwen2.", "llama."), value));
    keys.put("general.architecture", new GgufValue.Text("llama"));
    GgufWriter.write(folder.resolve("wrong.gguf"), keys, halves.tensors().values());
    double[] wanted = doubles(Llama.load(file).open().append(tokens));
    double[] got = doubles(Llama.load(folder.resolve("wrong.gguf")).open().append(tokens));
    proof.atLeast("max |Δ| of the logits", gap(got, wanted), 0.1);
    proof.atMost("the right layout", gap(wanted, doubles(model.open().append(tokens))), 1e-4);
  }

  @Claim("end-tokens")
  @Test
  void end_tokens_are_among_the_metadata(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("model.gguf");
    LlamaConfig config = config(Variant.TIED, 0, ROPE);
    Llama model = new Llama(config, RandomModels.weights(config, random(8)));
    new Conversion(file).llama(model, "llama", Map.of());
    assertThat(ModelConfig.endTokens(file)).isEmpty();
    GgufValue two = new GgufValue.Whole(GgufValue.Type.UINT32, 2);
    new Conversion(file).llama(model, "llama", Map.of("tokenizer.ggml.eos_token_id", two));
    assertThat(ModelConfig.endTokens(file)).containsExactly(2);
  }

  @Claim("missing-tensor")
  @Test
  void what_is_missing_or_misshapen_is_named(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("model.gguf");
    LlamaConfig config = config(Variant.LLAMA, 3, ROPE);
    Llama model = new Llama(config, RandomModels.weights(config, random(9)));
    new Conversion(file).llama(model, "llama", Map.of());
    Gguf good = Gguf.open(file);
    for (String name : good.infos().keySet()) {
      if (name.equals("output.weight")) continue; // then it is tied
      Map<String, StoredTensor> tensors = new LinkedHashMap<>(good.tensors());
      tensors.remove(name);
      GgufWriter.write(file, good.metadata(), tensors.values());
      refused(file, name, "missing");
      double[] seven = new double[7];
      tensors.put(name, StoredTensor.of(name, seven, new int[] {7, 1}, FloatFormat.F32));
      GgufWriter.write(file, good.metadata(), tensors.values());
      refused(file, name);
    }
    for (String key : good.metadata().keySet()) {
      if (key.matches(".*(key_length|value_length|freq_base|head_count_kv)"))
        continue; // usual ones
      Map<String, GgufValue> keys = new LinkedHashMap<>(good.metadata());
      keys.remove(key);
      GgufWriter.write(file, keys, good.tensors().values());
      refused(file, key.endsWith("expert_count") ? "ffn_gate" : key);
      keys.put(key, new GgufValue.Text("mamba"));
      GgufWriter.write(file, keys, good.tensors().values());
      refused(file, "mamba");
      if (good.metadata().get(key) instanceof GgufValue.Whole)
        for (int wrong : new int[] {0, -1, Integer.MAX_VALUE}) {
          if (wrong == 0 && key.endsWith("expert_count")) continue; // no mixture
          keys.put(key, new GgufValue.Whole(GgufValue.Type.INT32, wrong));
          GgufWriter.write(file, keys, good.tensors().values());
          if (wrong < 0 || !key.endsWith("context_length")) refused(file);
        }
    }
  }

  @Claim("bad-input")
  @Test
  void slices_that_are_not_there_are_refused() {
    double[] numbers = {1, 2, 3, 4, 5, 6};
    var matrix = StoredTensor.of("m", numbers, new int[] {3, 2}, FloatFormat.BF16);
    assertThat(matrix.slice(2).toDoubles()).containsExactly(5, 6);
    assertThat(matrix.slices(1, 3).toDoubles()).containsExactly(3, 4, 5, 6);
    assertThat(matrix.transposed().toDoubles()).containsExactly(1, 3, 5, 2, 4, 6);
    Refusal.of(() -> matrix.slice(3), "m BF16 [3, 2]", "3");
    Refusal.of(() -> matrix.slices(-1, 2), "-1");
    var blocks = StoredTensor.of("q", new double[64], new int[] {2, 32}, BlockFormat.Q8_0);
    assertThat(blocks.slice(1).toDoubles()).hasSize(32);
    Refusal.of(blocks::transposed, "q Q8_0 [2, 32]", "transposed");
    Refusal.of(() -> matrix.slice(0).transposed(), "[2]", "no matrix");
  }

  private static void refused(Path file, String... words) {
    String[] all = Stream.concat(Stream.of("model.gguf"), Stream.of(words)).toArray(String[]::new);
    Refusal.of(() -> Llama.load(file), all);
    Refusal.of(() -> DecoderModel.open(file, 1), all);
  }
}
