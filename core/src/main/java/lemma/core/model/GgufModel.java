package lemma.core.model;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import lemma.core.format.Checkpoint;
import lemma.core.format.FormatException;
import lemma.core.format.Gguf;
import lemma.core.format.StoredTensor;
import lemma.core.model.LlamaConfig.Variant;
import lemma.core.position.Rope;
import lemma.core.position.RopeScaling;

/// A GGUF file as a checkpoint: its metadata as a configuration, its tensors by the names of
/// [ModelConfig#weightShapes].
///
/// | `general.architecture` | family | rotary pairs |
/// |---|---|---|
/// | `llama` | Llama, Mistral, Mixtral | interleaved: the converter has permuted the rows of q and k |
/// | `qwen2`, `qwen3` | Qwen | halves |
/// | `gpt2` | GPT-2 | none; the converter has transposed the projections |
///
/// Biases, norms of q and k and a head of its own are there if their tensors are.
/// `rope_freqs.weight` holds a divisor for each pair, as Llama 3.1 scales them.
final class GgufModel {
  private final Gguf file;
  private final String architecture;

  private GgufModel(Gguf file) {
    this.file = file;
    architecture = file.text("general.architecture");
  }

  /// @throws FormatException if the architecture is not supported, or metadata or tensors are missing
  ///     or do not fit
  static ModelCheckpoint<DecoderConfig> read(Gguf file) {
    GgufModel model = new GgufModel(file);
    try {
      DecoderConfig config = model.config();
      Map<String, StoredTensor> tensors = new LinkedHashMap<>();
      for (String name : config.weightShapes().keySet()) tensors.put(name, model.tensor(name));
      return new ModelCheckpoint<>(config, new Checkpoint(file.file(), tensors, Map.of()));
    } catch (FormatException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new FormatException(file.file(), e.getMessage(), e);
    }
  }

  private DecoderConfig config() {
    return switch (architecture) {
      case "llama" -> llama(Rope.Layout.INTERLEAVED);
      case "qwen2", "qwen3" -> llama(Rope.Layout.HALVES);
      case "gpt2" -> gpt2();
      default ->
          throw new FormatException(
              file.file(),
              "architecture %s is not supported: expected llama, qwen2, qwen3 or gpt2"
                  .formatted(architecture));
    };
  }

  private LlamaConfig llama(Rope.Layout layout) {
    int hiddenSize = integer("embedding_length");
    int heads = integer("attention.head_count");
    if (heads < 1)
      throw new IllegalArgumentException(key("attention.head_count") + " was " + heads);
    int headDim = file.integer(key("attention.key_length"), hiddenSize / heads);
    if (file.integer(key("attention.value_length"), headDim) != headDim)
      throw new IllegalArgumentException(
          key("attention.value_length") + " must be that of the keys, " + headDim);
    int contextLength = integer("context_length");
    int experts = file.integer(key("expert_count"), 0);
    if (experts > 0) checkStack(experts);
    int window = file.integer(key("attention.sliding_window"), 0);
    return new LlamaConfig(
        vocabularySize(),
        hiddenSize,
        integer("feed_forward_length"),
        layers(),
        heads,
        file.integer(key("attention.head_count_kv"), heads),
        headDim,
        contextLength,
        file.number(key("attention.layer_norm_rms_epsilon")),
        rope(layout, headDim, contextLength),
        experts,
        experts > 0 ? integer("expert_used_count") : 0,
        new Variant(
            !has("output.weight"),
            has("blk.0.attn_q.bias"),
            has("blk.0.attn_output.bias"),
            has("blk.0.ffn_gate.bias"),
            has("blk.0.attn_q_norm.weight"),
            window,
            0));
  }

  private Gpt2Config gpt2() {
    return new Gpt2Config(
        vocabularySize(),
        integer("embedding_length"),
        integer("feed_forward_length"),
        layers(),
        integer("attention.head_count"),
        integer("context_length"),
        file.number(key("attention.layer_norm_epsilon")),
        !has("output.weight"),
        true);
  }

  private String key(String name) {
    return architecture + "." + name;
  }

  private int integer(String name) {
    return file.integer(key(name));
  }

  private boolean has(String tensor) {
    return file.infos().containsKey(tensor);
  }

  /// No more than there are tensors, so that those of each can be listed.
  private int layers() {
    int layers = integer("block_count");
    if (layers > file.infos().size())
      throw new IllegalArgumentException(
          "%d layers need more than %d tensors".formatted(layers, file.infos().size()));
    return layers;
  }

  private int vocabularySize() {
    if (file.has(key("vocab_size"))) return integer("vocab_size");
    return Math.toIntExact(file.tensor("token_embd.weight").shape()[0]);
  }

  private void checkStack(int experts) {
    String name = "blk.0.ffn_gate_exps.weight";
    long[] shape = file.tensor(name).shape();
    if (shape.length != 3 || shape[0] != experts)
      throw new IllegalArgumentException(
          "tensor %s must be a stack of %d experts, was %s"
              .formatted(name, experts, Arrays.toString(shape)));
  }

  private Rope rope(Rope.Layout layout, int headDim, int contextLength) {
    return new Rope(
        headDim,
        file.integer(key("rope.dimension_count"), headDim),
        file.number(key("rope.freq_base"), 10_000),
        layout,
        scaling(contextLength));
  }

  private RopeScaling scaling(int contextLength) {
    if (has("rope_freqs.weight")) {
      double[] divisors = file.tensor("rope_freqs.weight").toDoubles();
      int trained = Math.max(2, contextLength);
      return new RopeScaling.LongRope(1, trained, divisors, divisors, OptionalDouble.of(1));
    }
    String type = file.text(key("rope.scaling.type"), "none");
    return switch (type) {
      case "none" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(file.number(key("rope.scaling.factor")));
      case "yarn" -> {
        double factor = file.number(key("rope.scaling.factor"));
        yield new RopeScaling.Yarn(
            factor,
            file.integer(key("rope.scaling.original_context_length"), contextLength),
            32,
            1,
            RopeScaling.Yarn.defaultAttentionFactor(factor)
                * file.number(key("rope.scaling.attn_factor"), 1));
      }
      default ->
          throw new IllegalArgumentException(
              "%s %s is not supported: expected none, linear or yarn"
                  .formatted(key("rope.scaling.type"), type));
    };
  }

  /// A weight by its name in a folder; an expert is a slice of the stack of all.
  private StoredTensor tensor(String name) {
    GgufNames.Place place = GgufNames.of(name);
    StoredTensor tensor = file.tensor(place.tensor());
    return place.expert() < 0 ? tensor : tensor.slice(place.expert());
  }
}
