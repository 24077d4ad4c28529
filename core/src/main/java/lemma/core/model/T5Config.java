package lemma.core.model;

import java.util.LinkedHashMap;
import java.util.Map;
import lemma.core.activation.Activation;
import lemma.core.format.JsonFile;
import lemma.core.position.RelativeBias;

/// The sizes of a T5.
///
/// | component | `config.json` | |
/// |---|---|---|
/// | `vocabularySize` | `vocab_size` | |
/// | `hiddenSize` | `d_model` | |
/// | `headDim` | `d_kv` | need not be `hiddenSize / heads` |
/// | `intermediateSize` | `d_ff` | |
/// | `encoderLayers` | `num_layers` | |
/// | `decoderLayers` | `num_decoder_layers` | as many as the encoder's, if it is not said |
/// | `heads` | `num_heads` | |
/// | `buckets` | `relative_attention_num_buckets` | of the relative bias |
/// | `maxDistance` | `relative_attention_max_distance` | from here on they share the last |
/// | `contextLength` | `n_positions` | trained length; the bias itself has no end |
/// | `epsilon` | `layer_norm_epsilon` | |
/// | `activation`, `gated` | `feed_forward_proj` | relu; v1.1: gated-gelu, the tanh form |
/// | `tiedEmbeddings` | `tie_word_embeddings` | v1.1: no |
/// | `startToken` | `decoder_start_token_id` | what the decoder reads first |
public record T5Config(
    int vocabularySize,
    int hiddenSize,
    int headDim,
    int intermediateSize,
    int encoderLayers,
    int decoderLayers,
    int heads,
    int buckets,
    int maxDistance,
    int contextLength,
    double epsilon,
    Activation activation,
    boolean gated,
    boolean tiedEmbeddings,
    int startToken)
    implements ModelConfig {

  /// @throws IllegalArgumentException if a size is not positive, the buckets do not reach
  ///     `maxDistance`, the start token is outside the vocabulary or a matrix would have 2³¹ elements
  ///     or more
  public T5Config {
    Checks.positive("vocabularySize", vocabularySize);
    Checks.positive("hiddenSize", hiddenSize);
    Checks.positive("headDim", headDim);
    Checks.positive("intermediateSize", intermediateSize);
    Checks.positive("encoderLayers", encoderLayers);
    Checks.positive("decoderLayers", decoderLayers);
    Checks.positive("heads", heads);
    Checks.positive("contextLength", contextLength);
    new RelativeBias(true, buckets, maxDistance);
    new RelativeBias(false, buckets, maxDistance);
    Checks.matrices(hiddenSize, vocabularySize, intermediateSize, (long) heads * headDim);
    Checks.epsilon(epsilon);
    Embedding.checkToken(startToken, vocabularySize);
  }

  /// T5 v1.1 with tied embeddings or not, 32 buckets up to distance 128 and ε = 10⁻⁶.
  public static T5Config gated(
      int vocabularySize,
      int hiddenSize,
      int headDim,
      int intermediateSize,
      int layers,
      int heads,
      boolean tiedEmbeddings) {
    return new T5Config(
        vocabularySize,
        hiddenSize,
        headDim,
        intermediateSize,
        layers,
        layers,
        heads,
        32,
        128,
        512,
        1e-6,
        new Activation.GeluTanh(),
        true,
        tiedEmbeddings,
        0);
  }

  /// `feed_forward_proj` is an activation, or "gated-" and one; "gated-gelu" means the tanh form.
  static T5Config read(JsonFile json) {
    String name = json.has("feed_forward_proj") ? json.text("feed_forward_proj") : "relu";
    boolean gated = name.startsWith("gated-");
    String inner = gated ? name.substring("gated-".length()) : name;
    int layers = json.integer("num_layers");
    return new T5Config(
        json.integer("vocab_size"),
        json.integer("d_model"),
        json.integer("d_kv"),
        json.integer("d_ff"),
        layers,
        json.integer("num_decoder_layers", layers),
        json.integer("num_heads"),
        json.integer("relative_attention_num_buckets", 32),
        json.integer("relative_attention_max_distance", 128),
        json.integer("n_positions", 512),
        json.number("layer_norm_epsilon", 1e-6),
        Checks.activation(json.file(), name.equals("gated-gelu") ? "gelu_new" : inner),
        gated,
        json.flag("tie_word_embeddings", true),
        json.integer("decoder_start_token_id", json.integer("pad_token_id", 0)));
  }

  @Override
  public int layers() {
    return (int) Math.min(Integer.MAX_VALUE, (long) encoderLayers + decoderLayers);
  }

  @Override
  public Map<String, int[]> weightShapes() {
    Map<String, int[]> shapes = new LinkedHashMap<>();
    shapes.put("shared.weight", new int[] {vocabularySize, hiddenSize});
    for (int block = 0; block < encoderLayers; block++) {
      String name = "encoder.block." + block + ".layer.";
      attention(name + "0", "SelfAttention", block == 0, shapes);
      feedForward(name + "1", shapes);
    }
    shapes.put("encoder.final_layer_norm.weight", new int[] {hiddenSize});
    for (int block = 0; block < decoderLayers; block++) {
      String name = "decoder.block." + block + ".layer.";
      attention(name + "0", "SelfAttention", block == 0, shapes);
      attention(name + "1", "EncDecAttention", false, shapes);
      feedForward(name + "2", shapes);
    }
    shapes.put("decoder.final_layer_norm.weight", new int[] {hiddenSize});
    if (!tiedEmbeddings) shapes.put("lm_head.weight", new int[] {vocabularySize, hiddenSize});
    return shapes;
  }

  /// The first block of a stack holds the bias that all of its blocks add.
  private void attention(String layer, String kind, boolean first, Map<String, int[]> shapes) {
    int inner = heads * headDim;
    shapes.put(layer + ".layer_norm.weight", new int[] {hiddenSize});
    for (String projection : new String[] {"q", "k", "v"})
      shapes.put(layer + "." + kind + "." + projection + ".weight", new int[] {inner, hiddenSize});
    shapes.put(layer + "." + kind + ".o.weight", new int[] {hiddenSize, inner});
    if (first)
      shapes.put(
          layer + "." + kind + ".relative_attention_bias.weight", new int[] {buckets, heads});
  }

  private void feedForward(String layer, Map<String, int[]> shapes) {
    String name = layer + ".DenseReluDense.";
    shapes.put(layer + ".layer_norm.weight", new int[] {hiddenSize});
    for (String projection : gated ? new String[] {"wi_0", "wi_1"} : new String[] {"wi"})
      shapes.put(name + projection + ".weight", new int[] {intermediateSize, hiddenSize});
    shapes.put(name + "wo.weight", new int[] {hiddenSize, intermediateSize});
  }
}
