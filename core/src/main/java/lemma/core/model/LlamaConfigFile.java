package lemma.core.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import lemma.core.format.FloatFormat;
import lemma.core.format.FormatException;
import lemma.core.format.JsonFile;
import lemma.core.model.LlamaConfig.Variant;
import lemma.core.position.Rope;
import lemma.core.position.RopeScaling;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// `config.json` of the Llama family ↔ [LlamaConfig].
final class LlamaConfigFile {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private LlamaConfigFile() {}

  /// Members that are left out have the defaults of the family.
  static LlamaConfig read(JsonFile json, String type) {
    Checks.require(json, "hidden_act", "silu");
    if (json.number("partial_rotary_factor", 1) != 1)
      throw new FormatException(json.file(), "partial_rotary_factor must be 1");
    int hiddenSize = json.integer("hidden_size");
    int heads = json.integer("num_attention_heads");
    int contextLength = json.integer("max_position_embeddings");
    boolean sparse = type.equals("mixtral");
    if (heads < 1) throw new IllegalArgumentException("num_attention_heads was " + heads);
    int headDim =
        json.integer("head_dim", type.equals("qwen3") ? 128 : Math.divideExact(hiddenSize, heads));
    return new LlamaConfig(
        json.integer("vocab_size"),
        hiddenSize,
        json.integer("intermediate_size"),
        json.integer("num_hidden_layers"),
        heads,
        json.integer("num_key_value_heads", sparse ? 8 : heads),
        headDim,
        contextLength,
        json.number("rms_norm_eps", sparse ? 1e-5 : 1e-6),
        rope(json, headDim, contextLength, sparse ? 1e6 : 1e4),
        sparse ? json.integer("num_local_experts", 8) : 0,
        sparse ? json.integer("num_experts_per_tok", 2) : 0,
        variant(json, type));
  }

  private static Variant variant(JsonFile json, String type) {
    boolean tied = json.flag("tie_word_embeddings", false);
    boolean bias = json.flag("attention_bias", false);
    return switch (type) {
      case "qwen2" ->
          new Variant(tied, true, false, false, false, window(json), firstWindowedLayer(json));
      case "qwen3" ->
          new Variant(tied, bias, bias, false, true, window(json), firstWindowedLayer(json));
      case "mistral", "mixtral" ->
          new Variant(tied, false, false, false, false, mistralWindow(json, type), 0);
      default -> new Variant(tied, bias, bias, json.flag("mlp_bias", false), false, 0, 0);
    };
  }

  /// Qwen states a window and whether to use it.
  private static int window(JsonFile json) {
    return json.flag("use_sliding_window", false) ? json.integer("sliding_window") : 0;
  }

  /// Mistral 7B had one of 4096 before its file said so; null means none.
  private static int mistralWindow(JsonFile json, String type) {
    boolean unsaid = type.equals("mistral") && !json.root().has("sliding_window");
    return unsaid ? 4096 : json.integer("sliding_window", 0);
  }

  private static int firstWindowedLayer(JsonFile json) {
    return json.integer("max_window_layers", 0);
  }

  /// `rope_theta` and `rope_scaling`, or both in `rope_parameters`, as newer files have them.
  private static Rope rope(JsonFile json, int headDim, int contextLength, double usualBase) {
    JsonFile parameters = json.has("rope_parameters") ? json.object("rope_parameters") : json;
    double base = parameters.number("rope_theta", usualBase);
    RopeScaling scaling = new RopeScaling.None();
    if (json.has("rope_parameters")) scaling = scaling(parameters, contextLength);
    else if (json.has("rope_scaling"))
      scaling = scaling(json.object("rope_scaling"), contextLength);
    return new Rope(headDim, headDim, base, Rope.Layout.HALVES, scaling);
  }

  private static RopeScaling scaling(JsonFile json, int contextLength) {
    String type = json.has("rope_type") ? json.text("rope_type") : json.text("type");
    int trained = json.integer("original_max_position_embeddings", contextLength);
    return switch (type) {
      case "default" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(json.number("factor"));
      case "dynamic" -> // no session outgrows the trained length
          new RopeScaling.DynamicNtk(json.number("factor"), contextLength, contextLength);
      case "yarn" ->
          new RopeScaling.Yarn(
              json.number("factor"),
              trained,
              json.number("beta_fast", 32),
              json.number("beta_slow", 1),
              json.number(
                  "attention_factor",
                  RopeScaling.Yarn.defaultAttentionFactor(json.number("factor"))));
      case "llama3" ->
          new RopeScaling.Llama3(
              json.number("factor"),
              json.number("low_freq_factor"),
              json.number("high_freq_factor"),
              trained);
      default ->
          throw new FormatException(
              json.file(),
              "rope_type %s is not supported: expected default, linear, dynamic, yarn or llama3"
                  .formatted(type));
    };
  }

  /// Writes the configuration of a model whose frequencies are not scaled.
  ///
  /// @throws IllegalArgumentException if no model type of the family has this variant
  static void write(LlamaConfig config, FloatFormat format, Path file) throws IOException {
    if (!(config.rope().scaling() instanceof RopeScaling.None)
        || config.rope().layout() != Rope.Layout.HALVES)
      throw new IllegalArgumentException("cannot write " + config.rope());
    Variant variant = config.variant();
    String type =
        variant.queryKeyNorm()
            ? "qwen3"
            : variant.queryKeyValueBias() && !variant.outputBias()
                ? "qwen2"
                : config.experts() > 0
                    ? "mixtral"
                    : variant.slidingWindow() > 0 ? "mistral" : "llama";
    String name = Character.toUpperCase(type.charAt(0)) + type.substring(1) + "ForCausalLM";
    ObjectNode root = JSON.createObjectNode();
    root.putArray("architectures").add(name);
    root.put("model_type", type)
        .put("vocab_size", config.vocabularySize())
        .put("hidden_size", config.hiddenSize())
        .put("intermediate_size", config.intermediateSize())
        .put("num_hidden_layers", config.layers())
        .put("num_attention_heads", config.heads())
        .put("num_key_value_heads", config.keyValueHeads())
        .put("head_dim", config.headDim())
        .put("hidden_act", "silu")
        .put("max_position_embeddings", config.contextLength())
        .put("rms_norm_eps", config.epsilon())
        .put("rope_theta", config.rope().base())
        .put("attention_bias", variant.queryKeyValueBias())
        .put("mlp_bias", variant.feedForwardBias())
        .put("tie_word_embeddings", variant.tiedEmbeddings())
        .put("torch_dtype", torchName(format));
    if (type.startsWith("qwen"))
      root.put("use_sliding_window", variant.slidingWindow() > 0)
          .put("max_window_layers", variant.firstWindowedLayer());
    if (config.experts() > 0)
      root.put("num_local_experts", config.experts())
          .put("num_experts_per_tok", config.expertsPerToken());
    if (variant.slidingWindow() > 0) root.put("sliding_window", variant.slidingWindow());
    if (!read(new JsonFile(file, root), type).equals(config))
      throw new IllegalArgumentException("no model type of the family has " + variant);
    Path temporary = file.resolveSibling(file.getFileName() + ".part");
    Files.write(temporary, JSON.writeValueAsBytes(root));
    Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
  }

  private static String torchName(FloatFormat format) {
    return switch (format) {
      case F32 -> "float32";
      case F16 -> "float16";
      case BF16 -> "bfloat16";
    };
  }
}
