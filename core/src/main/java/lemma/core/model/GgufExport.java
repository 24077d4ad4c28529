package lemma.core.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import lemma.core.format.ElementType;
import lemma.core.format.FloatFormat;
import lemma.core.format.FormatException;
import lemma.core.format.GgufValue;
import lemma.core.format.JsonFile;
import lemma.core.format.StoredTensor;
import lemma.core.format.TensorSource;
import lemma.core.position.RopeScaling;

/// A folder of the Llama family as what a GGUF file of it holds, by the conventions of llama.cpp.
///
/// | | folder | GGUF |
/// |---|---|---|
/// | names | `model.layers.3.self_attn.q_proj.weight` | `blk.3.attn_q.weight` |
/// | rows of q and k in Llama, Mistral, Mixtral | channel j turns with j + d/2 | with its neighbour: row 2j + h was h·d/2 + j |
/// | experts | a tensor each | one tensor of all |
/// | scaled frequencies of Llama 3 | `rope_scaling` | a divisor for each pair, `rope_freqs.weight` |
/// | vectors | as they are | F32 |
///
/// @param tensors in the order of the forward pass, in the types of the folder but for vectors
public record GgufExport(Map<String, GgufValue> metadata, List<TensorSource> tensors) {
  private static final String ROPE_FREQUENCIES = "rope_freqs.weight";

  /// @throws FormatException if the folder holds no model of the family, or is damaged
  public static GgufExport of(Path folder) throws IOException {
    ModelCheckpoint<LlamaConfig> checkpoint = ModelCheckpoint.open(folder, LlamaConfig.class);
    Path home = Files.isDirectory(folder) ? folder : folder.toAbsolutePath().getParent();
    JsonFile json = JsonFile.read(home.resolve("config.json"));
    String type = json.text("model_type");
    String architecture = type.startsWith("qwen") ? type : "llama";
    Map<String, GgufValue> metadata = new LinkedHashMap<>();
    metadata.put("general.architecture", GgufValue.of(architecture));
    metadata.put("general.name", GgufValue.of(home.toAbsolutePath().getFileName().toString()));
    try {
      sizes(architecture + ".", checkpoint.config(), metadata);
    } catch (FormatException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new FormatException(json.file(), e.getMessage(), e);
    }
    metadata.putAll(GgufVocabularyExport.of(home, json, checkpoint.config().vocabularySize()));
    return new GgufExport(metadata, tensors(checkpoint, architecture.equals("llama")));
  }

  private static void sizes(String prefix, LlamaConfig config, Map<String, GgufValue> metadata) {
    Map<String, Integer> sizes = new LinkedHashMap<>();
    sizes.put("vocab_size", config.vocabularySize());
    sizes.put("context_length", config.contextLength());
    sizes.put("embedding_length", config.hiddenSize());
    sizes.put("block_count", config.layers());
    sizes.put("feed_forward_length", config.intermediateSize());
    sizes.put("attention.head_count", config.heads());
    sizes.put("attention.head_count_kv", config.keyValueHeads());
    sizes.put("attention.key_length", config.headDim());
    sizes.put("attention.value_length", config.headDim());
    sizes.put("rope.dimension_count", config.headDim());
    if (config.experts() > 0) {
      sizes.put("expert_count", config.experts());
      sizes.put("expert_used_count", config.expertsPerToken());
    }
    if (config.variant().slidingWindow() > 0)
      sizes.put("attention.sliding_window", config.variant().slidingWindow());
    sizes.forEach((name, size) -> metadata.put(prefix + name, GgufValue.ofUint32(size)));
    metadata.put(
        prefix + "attention.layer_norm_rms_epsilon", GgufValue.ofFloat32(config.epsilon()));
    metadata.put(prefix + "rope.freq_base", GgufValue.ofFloat32(config.rope().base()));
    switch (config.rope().scaling()) {
      case RopeScaling.None _ -> {}
      case RopeScaling.Llama3 _ -> {} // a tensor says it
      case RopeScaling.Linear(double factor) -> {
        metadata.put(prefix + "rope.scaling.type", GgufValue.of("linear"));
        metadata.put(prefix + "rope.scaling.factor", GgufValue.ofFloat32(factor));
      }
      case RopeScaling.Yarn yarn when yarn.betaFast() == 32 && yarn.betaSlow() == 1 -> {
        double usual = RopeScaling.Yarn.defaultAttentionFactor(yarn.factor());
        metadata.put(prefix + "rope.scaling.type", GgufValue.of("yarn"));
        metadata.put(prefix + "rope.scaling.factor", GgufValue.ofFloat32(yarn.factor()));
        metadata.put(
            prefix + "rope.scaling.original_context_length",
            GgufValue.ofUint32(yarn.trainedLength()));
        if (yarn.attentionFactor() != usual)
          metadata.put(
              prefix + "rope.scaling.attn_factor",
              GgufValue.ofFloat32(yarn.attentionFactor() / usual));
      }
      default ->
          throw new IllegalArgumentException(
              "GGUF has no place for " + config.rope().scaling() + " of this model");
    }
  }

  private static List<TensorSource> tensors(
      ModelCheckpoint<LlamaConfig> checkpoint, boolean interleaved) {
    LlamaConfig config = checkpoint.config();
    List<TensorSource> tensors = new ArrayList<>();
    if (config.rope().scaling() instanceof RopeScaling.Llama3) tensors.add(divisors(config));
    Map<String, Map<Integer, TensorSource>> experts = new LinkedHashMap<>();
    for (String name : config.weightShapes().keySet()) {
      GgufNames.Place place = GgufNames.of(name);
      TensorSource tensor = TensorSource.of(checkpoint.tensor(name)).named(place.tensor());
      if (interleaved) tensor = interleaved(tensor, config.headDim());
      if (place.expert() < 0) tensors.add(tensor);
      else
        experts
            .computeIfAbsent(place.tensor(), stack -> new TreeMap<>())
            .put(place.expert(), tensor);
    }
    experts.forEach(
        (name, parts) -> tensors.add(TensorSource.stacked(name, List.copyOf(parts.values()))));
    return tensors.stream()
        .map(tensor -> tensor.shape().length < 2 ? tensor.as(ElementType.F32) : tensor)
        .toList();
  }

  /// Channels that turn together become neighbours.
  private static TensorSource interleaved(TensorSource tensor, int headDim) {
    if (!GgufNames.isRotated(tensor.name())) return tensor;
    int half = headDim / 2;
    return tensor.rows(row -> row - row % headDim + row % 2 * half + row % headDim / 2);
  }

  private static TensorSource divisors(LlamaConfig config) {
    double[] plain = new RopeScaling.None().frequencies(config.headDim(), config.rope().base());
    double[] scaled = config.rope().frequencies();
    double[] divisors = new double[plain.length];
    for (int i = 0; i < plain.length; i++) divisors[i] = plain[i] / scaled[i];
    return TensorSource.of(
        StoredTensor.of(ROPE_FREQUENCIES, divisors, new int[] {divisors.length}, FloatFormat.F32));
  }

  /// The same with every matrix as another type where its rows allow it, and what the file is mostly
  /// made of among the metadata.
  ///
  /// Rows that are no whole number of blocks of 256 are stored as `Q8_0`, and those that are none of 32
  /// either as `F16`.
  public GgufExport as(ElementType type) {
    Map<String, GgufValue> described = new LinkedHashMap<>(metadata);
    fileType(type).ifPresent(id -> described.put("general.file_type", GgufValue.ofUint32(id)));
    if (type.blockSize() > 1) described.put("general.quantization_version", GgufValue.ofUint32(2));
    return new GgufExport(
        described, tensors.stream().map(tensor -> tensor.as(storable(tensor, type))).toList());
  }

  private static ElementType storable(TensorSource tensor, ElementType wanted) {
    if (!TensorSource.holdsNumbers(tensor.type())) return tensor.type();
    if (tensor.shape().length < 2) return ElementType.F32;
    long row = tensor.shape()[tensor.shape().length - 1];
    if (row % wanted.blockSize() == 0) return wanted;
    return row % ElementType.Q8_0.blockSize() == 0 ? ElementType.Q8_0 : ElementType.F16;
  }

  /// llama.cpp's number for a file that is mostly of a type.
  private static OptionalInt fileType(ElementType type) {
    return switch (type) {
      case F32 -> OptionalInt.of(0);
      case F16 -> OptionalInt.of(1);
      case Q4_0 -> OptionalInt.of(2);
      case Q4_1 -> OptionalInt.of(3);
      case Q8_0 -> OptionalInt.of(7);
      case Q4_K -> OptionalInt.of(14);
      case Q6_K -> OptionalInt.of(18);
      case BF16 -> OptionalInt.of(32);
      default -> OptionalInt.empty();
    };
  }
}
