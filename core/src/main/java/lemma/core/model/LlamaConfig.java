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
/// | `rope` | `rope_theta`, `rope_scaling` | in the layout of halves; GGUF files of Llama interleave |
/// | `experts` | `num_local_experts` | Mixtral: feed-forward layers to choose from; 0 for one |
/// | `expertsPerToken` | `num_experts_per_tok` | how many a token is sent to; 0 if there is one |
///
/// What else the members of the family do differently is `variant`: see [Variant].
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
    int experts,
    int expertsPerToken,
    Variant variant)
    implements DecoderConfig {

  /// Where Llama, Mistral, Mixtral, Qwen2 and Qwen3 part.
  ///
  /// | component | who has it |
  /// |---|---|
  /// | `tiedEmbeddings` | the head is the embedding table: small Llama 3.2 and Qwen |
  /// | `queryKeyValueBias` | Qwen2; Llama and Qwen3 with `attention_bias` |
  /// | `outputBias` | Llama and Qwen3 with `attention_bias` |
  /// | `feedForwardBias` | Llama with `mlp_bias` |
  /// | `queryKeyNorm` | Qwen3: RMSNorm over each head of q and k, before the rotation |
  /// | `slidingWindow` | Mistral, Mixtral: keys that a query sees, itself included; 0 for all |
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
  ///     `heads`, `rope` is for other heads, a token goes to more experts than there are or to none,
  ///     or a matrix would have 2³¹ elements or more
  public LlamaConfig {
    Checks.positive("vocabularySize", vocabularySize);
    Checks.positive("hiddenSize", hiddenSize);
    Checks.positive("intermediateSize", intermediateSize);
    Checks.positive("layers", layers);
    Checks.positive("heads", heads);
    Checks.positive("keyValueHeads", keyValueHeads);
    Checks.positive("headDim", headDim);
    Checks.positive("contextLength", contextLength);
    if (heads % keyValueHeads != 0)
      throw new IllegalArgumentException(
          "keyValueHeads must divide heads, were %d and %d".formatted(keyValueHeads, heads));
    if (rope.headDim() != headDim)
      throw new IllegalArgumentException(
          "rope must rotate heads of %d, was %s".formatted(headDim, rope));
    if (experts < 0 || expertsPerToken < Math.min(experts, 1) || expertsPerToken > experts)
      throw new IllegalArgumentException(
          "expertsPerToken must be in 1 … experts, or both 0, were %d and %d"
              .formatted(expertsPerToken, experts));
    if (experts > 0 && variant.feedForwardBias)
      throw new IllegalArgumentException("experts have no feedForwardBias");
    Checks.matrices(hiddenSize, vocabularySize, intermediateSize, (long) heads * headDim, experts);
    Checks.epsilon(epsilon);
  }

  /// A model with one feed-forward layer in each block.
  public LlamaConfig(
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
      Variant variant) {
    this(
        vocabularySize,
        hiddenSize,
        intermediateSize,
        layers,
        heads,
        keyValueHeads,
        headDim,
        contextLength,
        epsilon,
        rope,
        0,
        0,
        variant);
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
    Checks.headsDivide(heads, hiddenSize);
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

  @Override
  public long leastTensors() {
    return (long) layers * Math.max(1, experts);
  }

  @Override
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
    if (experts == 0) feedForwardShapes(layer + ".mlp", shapes);
    else expertShapes(layer + ".block_sparse_moe", shapes);
  }

  private void feedForwardShapes(String name, Map<String, int[]> shapes) {
    boolean bias = variant.feedForwardBias;
    linear(name + ".gate_proj", intermediateSize, hiddenSize, bias, shapes);
    linear(name + ".up_proj", intermediateSize, hiddenSize, bias, shapes);
    linear(name + ".down_proj", hiddenSize, intermediateSize, bias, shapes);
  }

  /// `w1` is an expert's gate, `w3` its up and `w2` its down projection.
  private void expertShapes(String name, Map<String, int[]> shapes) {
    linear(name + ".gate", experts, hiddenSize, false, shapes);
    for (int e = 0; e < experts; e++) {
      String expert = name + ".experts." + e;
      linear(expert + ".w1", intermediateSize, hiddenSize, false, shapes);
      linear(expert + ".w3", intermediateSize, hiddenSize, false, shapes);
      linear(expert + ".w2", hiddenSize, intermediateSize, false, shapes);
    }
  }

  private static void linear(
      String name, int out, int in, boolean bias, Map<String, int[]> shapes) {
    shapes.put(name + ".weight", new int[] {out, in});
    if (bias) shapes.put(name + ".bias", new int[] {out});
  }
}
