package lemma.core.model;

import java.util.LinkedHashMap;
import java.util.Map;
import lemma.core.position.Rope;

/// The sizes and habits of a decoder of the Llama family, as `config.json` of a checkpoint has them.
///
/// | component | `config.json` | |
/// |---|---|---|
/// | `vocabularySize` | `vocab_size` | rows of the embedding table |
/// | `hiddenSize` | `hidden_size` | width of the residual stream |
/// | `intermediateSize` | `intermediate_size` | width inside the feed-forward layer |
/// | `layers` | `num_hidden_layers` | |
/// | `heads` | `num_attention_heads` | query heads |
/// | `keyValueHeads` | `num_key_value_heads` | divides `heads` |
/// | `headDim` | `head_dim` | need not be `hiddenSize / heads` |
/// | `contextLength` | `max_position_embeddings` | |
/// | `epsilon` | `rms_norm_eps` | |
/// | `rope` | `rope_theta`, `rope_scaling` | in the layout of halves |
///
/// What the members of the family do differently is `variant`: see [Variant].
public record LlamaConfig(
    int vocabularySize,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int keyValueHeads,
    int headDim,
    int contextLength,
    double epsilon,
    Rope rope,
    Variant variant)
    implements ModelConfig {

  /// Where Llama, Mistral, Qwen2 and Qwen3 part.
  ///
  /// | component | who has it |
  /// |---|---|
  /// | `tiedEmbeddings` | the head is the embedding table: small Llama 3.2 and Qwen |
  /// | `queryKeyValueBias` | Qwen2; Llama and Qwen3 with `attention_bias` |
  /// | `outputBias` | Llama and Qwen3 with `attention_bias` |
  /// | `feedForwardBias` | Llama with `mlp_bias` |
  /// | `queryKeyNorm` | Qwen3: RMSNorm over each head of q and k, before the rotation |
  /// | `slidingWindow` | Mistral: keys that a query sees, itself included; 0 for all |
  /// | `firstWindowedLayer` | Qwen2: layers before it see everything |
  public record Variant(
      boolean tiedEmbeddings,
      boolean queryKeyValueBias,
      boolean outputBias,
      boolean feedForwardBias,
      boolean queryKeyNorm,
      int slidingWindow,
      int firstWindowedLayer) {

    /// Llama as published: no bias, no window, a head of its own.
    public static final Variant LLAMA = new Variant(false, false, false, false, false, 0, 0);

    /// Llama with the embedding table as its head.
    public static final Variant TIED = new Variant(true, false, false, false, false, 0, 0);

    /// @throws IllegalArgumentException if the window or its first layer is negative
    public Variant {
      if (slidingWindow < 0 || firstWindowedLayer < 0)
        throw new IllegalArgumentException(
            "slidingWindow %d and firstWindowedLayer %d must be 0 or more"
                .formatted(slidingWindow, firstWindowedLayer));
    }
  }

  /// @throws IllegalArgumentException if a size is not positive, `keyValueHeads` does not divide
  ///     `heads`, `rope` is for other heads, or a matrix would have 2³¹ elements or more
  public LlamaConfig {
    positive("vocabularySize", vocabularySize);
    positive("hiddenSize", hiddenSize);
    positive("intermediateSize", intermediateSize);
    positive("layers", layers);
    positive("heads", heads);
    positive("keyValueHeads", keyValueHeads);
    positive("headDim", headDim);
    positive("contextLength", contextLength);
    if (heads % keyValueHeads != 0)
      throw new IllegalArgumentException(
          "keyValueHeads must divide heads, were %d and %d".formatted(keyValueHeads, heads));
    if (rope.headDim() != headDim)
      throw new IllegalArgumentException(
          "rope must rotate heads of %d, was %s".formatted(headDim, rope));
    long widest = Math.max(Math.max(vocabularySize, intermediateSize), (long) heads * headDim);
    if (widest > Integer.MAX_VALUE / hiddenSize)
      throw new IllegalArgumentException(
          "hiddenSize %d times %d is too large for one matrix".formatted(hiddenSize, widest));
    if (!(epsilon >= 0 && epsilon < 1))
      throw new IllegalArgumentException("epsilon must be in [0, 1), was " + epsilon);
  }

  private static void positive(String name, int value) {
    if (value <= 0) throw new IllegalArgumentException(name + " must be positive, was " + value);
  }

  /// A small Llama with tied embeddings: heads of `hiddenSize / heads`, ε = 10⁻⁵, base 10 000.
  public static LlamaConfig small(
      int vocabularySize,
      int hiddenSize,
      int intermediateSize,
      int layers,
      int heads,
      int keyValueHeads,
      int contextLength) {
    if (heads <= 0 || hiddenSize % heads != 0)
      throw new IllegalArgumentException(
          "heads must divide hiddenSize, were %d and %d".formatted(heads, hiddenSize));
    return new LlamaConfig(
        vocabularySize,
        hiddenSize,
        intermediateSize,
        layers,
        heads,
        keyValueHeads,
        hiddenSize / heads,
        contextLength,
        1e-5,
        Rope.llama(hiddenSize / heads, 10_000),
        Variant.TIED);
  }

  /// How many keys a query of this layer sees, itself included; 0 for all.
  public int window(int layer) {
    return layer < variant.firstWindowedLayer ? 0 : variant.slidingWindow;
  }

  /// Every weight by its name in a checkpoint with its shape, in the order of the forward pass.
  public Map<String, int[]> weightShapes() {
    Map<String, int[]> shapes = new LinkedHashMap<>();
    shapes.put("model.embed_tokens.weight", new int[] {vocabularySize, hiddenSize});
    for (int layer = 0; layer < layers; layer++) layerShapes("model.layers." + layer, shapes);
    shapes.put("model.norm.weight", new int[] {hiddenSize});
    if (!variant.tiedEmbeddings)
      shapes.put("lm_head.weight", new int[] {vocabularySize, hiddenSize});
    return shapes;
  }

  private void layerShapes(String layer, Map<String, int[]> shapes) {
    String attention = layer + ".self_attn";
    String feedForward = layer + ".mlp";
    shapes.put(layer + ".input_layernorm.weight", new int[] {hiddenSize});
    linear(attention + ".q_proj", heads * headDim, hiddenSize, variant.queryKeyValueBias, shapes);
    for (String name : new String[] {".k_proj", ".v_proj"})
      linear(
          attention + name, keyValueHeads * headDim, hiddenSize, variant.queryKeyValueBias, shapes);
    linear(attention + ".o_proj", hiddenSize, heads * headDim, variant.outputBias, shapes);
    if (variant.queryKeyNorm) {
      shapes.put(attention + ".q_norm.weight", new int[] {headDim});
      shapes.put(attention + ".k_norm.weight", new int[] {headDim});
    }
    shapes.put(layer + ".post_attention_layernorm.weight", new int[] {hiddenSize});
    linear(
        feedForward + ".gate_proj", intermediateSize, hiddenSize, variant.feedForwardBias, shapes);
    linear(feedForward + ".up_proj", intermediateSize, hiddenSize, variant.feedForwardBias, shapes);
    linear(
        feedForward + ".down_proj", hiddenSize, intermediateSize, variant.feedForwardBias, shapes);
  }

  private static void linear(
      String name, int out, int in, boolean bias, Map<String, int[]> shapes) {
    shapes.put(name + ".weight", new int[] {out, in});
    if (bias) shapes.put(name + ".bias", new int[] {out});
  }
}
