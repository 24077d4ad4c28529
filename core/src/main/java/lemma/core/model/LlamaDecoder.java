package lemma.core.model;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import lemma.core.format.FloatFormat;
import lemma.core.format.FormatException;
import lemma.core.format.StoredTensor;
import lemma.core.kernel.WeightMatrix;
import lemma.core.kernel.Workers;

/// [Llama] made fast.
public final class LlamaDecoder implements DecoderModel {

  /// What follows the attention in a block.
  sealed interface FeedForward {}

  /// down(silu(gate(x)) ⊙ up(x))
  record Gated(Projection gate, Projection up, Projection down) implements FeedForward {}

  /// Several of them, and what chooses.
  record Mixture(Projection router, List<Gated> experts) implements FeedForward {}

  /// The weights of one layer; the two norms of q and k are empty if there are none.
  record Layer(
      float[] inputNorm,
      Projection q,
      Projection k,
      Projection v,
      Projection o,
      float[] queryNorm,
      float[] keyNorm,
      float[] feedForwardNorm,
      FeedForward feedForward) {}

  final LlamaConfig config;
  final WeightMatrix embedding;
  final List<Layer> layers;
  final float[] norm;
  final WeightMatrix head;
  final Workers workers;

  LlamaDecoder(LlamaConfig config, Function<String, StoredTensor> weights, int threads) {
    this.config = config;
    embedding = WeightMatrix.of(weights.apply("model.embed_tokens.weight"));
    layers = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) layers.add(layer("model.layers." + i, weights));
    norm = weights.apply("model.norm.weight").toFloats();
    head =
        config.variant().tiedEmbeddings()
            ? embedding
            : WeightMatrix.of(weights.apply("lm_head.weight"));
    workers = new Workers(threads);
  }

  /// Maps a folder with `config.json` and safetensors files, one such file beside its `config.json`,
  /// or a GGUF file.
  ///
  /// @throws FormatException if a file is missing, damaged or does not fit the configuration
  /// @throws IllegalArgumentException if `threads` is not positive
  public static LlamaDecoder open(Path path, int threads) throws IOException {
    var checkpoint = ModelCheckpoint.open(path, LlamaConfig.class);
    return new LlamaDecoder(checkpoint.config(), checkpoint::tensor, threads);
  }

  /// The same model with its weights narrowed to `format`.
  public static LlamaDecoder of(Llama model, FloatFormat format, int threads) {
    return new LlamaDecoder(model.config(), Weights.stored(model.weights(), format), threads);
  }

  private Layer layer(String name, Function<String, StoredTensor> weights) {
    LlamaConfig.Variant variant = config.variant();
    boolean bias = variant.queryKeyValueBias();
    return new Layer(
        weights.apply(name + ".input_layernorm.weight").toFloats(),
        projection(name + ".self_attn.q_proj", bias, weights),
        projection(name + ".self_attn.k_proj", bias, weights),
        projection(name + ".self_attn.v_proj", bias, weights),
        projection(name + ".self_attn.o_proj", variant.outputBias(), weights),
        gain(name + ".self_attn.q_norm.weight", weights),
        gain(name + ".self_attn.k_norm.weight", weights),
        weights.apply(name + ".post_attention_layernorm.weight").toFloats(),
        config.experts() == 0
            ? gated(name + ".mlp", "gate_proj", "up_proj", "down_proj", weights)
            : mixture(name + ".block_sparse_moe", weights));
  }

  private Mixture mixture(String name, Function<String, StoredTensor> weights) {
    List<Gated> experts = new ArrayList<>();
    for (int e = 0; e < config.experts(); e++)
      experts.add(gated(name + ".experts." + e, "w1", "w3", "w2", weights));
    return new Mixture(projection(name + ".gate", false, weights), experts);
  }

  private Gated gated(
      String name, String gate, String up, String down, Function<String, StoredTensor> weights) {
    boolean bias = config.variant().feedForwardBias();
    return new Gated(
        projection(name + "." + gate, bias, weights),
        projection(name + "." + up, bias, weights),
        projection(name + "." + down, bias, weights));
  }

  private float[] gain(String name, Function<String, StoredTensor> weights) {
    return config.variant().queryKeyNorm() ? weights.apply(name).toFloats() : new float[0];
  }

  private static Projection projection(
      String name, boolean bias, Function<String, StoredTensor> weights) {
    StoredTensor weight = weights.apply(name + ".weight");
    return bias ? Projection.of(weight, weights.apply(name + ".bias")) : Projection.of(weight);
  }

  @Override
  public LlamaConfig config() {
    return config;
  }

  @Override
  public Session open() {
    return new LlamaDecoderSession(this);
  }

  @Override
  public void close() {
    workers.close();
  }
}
