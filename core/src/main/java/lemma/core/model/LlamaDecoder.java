package lemma.core.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import lemma.core.format.FloatFormat;
import lemma.core.format.FormatException;
import lemma.core.format.StoredTensor;
import lemma.core.kernel.WeightMatrix;
import lemma.core.kernel.Workers;

/// [Llama] made fast: the weights stay where they are mapped, in the format of the file, and are
/// widened to floats in registers; threads share out the rows of every matrix.
///
/// Sessions read the weights together; while one uses the threads, another goes on alone.
public final class LlamaDecoder implements LanguageModel, AutoCloseable {

  /// `y = W·x + b`; `bias` is empty if there is none.
  record Projection(WeightMatrix weight, float[] bias) {}

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
      Projection gate,
      Projection up,
      Projection down) {}

  final LlamaConfig config;
  final WeightMatrix embedding;
  final List<Layer> layers;
  final float[] norm;
  final WeightMatrix head;
  final Workers workers;

  private LlamaDecoder(LlamaConfig config, Function<String, StoredTensor> weights, int threads) {
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

  /// Maps a folder with `config.json` and safetensors files, or one such file beside its
  /// `config.json`.
  ///
  /// @throws FormatException if a file is missing, damaged or does not fit the configuration
  /// @throws IllegalArgumentException if `threads` is not positive
  public static LlamaDecoder open(Path path, int threads) throws IOException {
    LlamaCheckpoint checkpoint = LlamaCheckpoint.open(path);
    return new LlamaDecoder(checkpoint.config(), checkpoint::tensor, threads);
  }

  /// The same model with its weights narrowed to `format`.
  public static LlamaDecoder of(Llama model, FloatFormat format, int threads) {
    return new LlamaDecoder(
        model.config(),
        name -> {
          var weight = model.weights().get(name);
          StoredTensor stored = StoredTensor.of(name, weight.data(), weight.shape(), format);
          MemorySegment bytes = Arena.ofAuto().allocate(stored.bytes().byteSize(), 64);
          return new StoredTensor(
              name, stored.type(), stored.shape(), bytes.copyFrom(stored.bytes()));
        },
        threads);
  }

  private Layer layer(String name, Function<String, StoredTensor> weights) {
    LlamaConfig.Variant variant = config.variant();
    boolean bias = variant.queryKeyValueBias();
    boolean feedForwardBias = variant.feedForwardBias();
    return new Layer(
        weights.apply(name + ".input_layernorm.weight").toFloats(),
        projection(name + ".self_attn.q_proj", bias, weights),
        projection(name + ".self_attn.k_proj", bias, weights),
        projection(name + ".self_attn.v_proj", bias, weights),
        projection(name + ".self_attn.o_proj", variant.outputBias(), weights),
        gain(name + ".self_attn.q_norm.weight", weights),
        gain(name + ".self_attn.k_norm.weight", weights),
        weights.apply(name + ".post_attention_layernorm.weight").toFloats(),
        projection(name + ".mlp.gate_proj", feedForwardBias, weights),
        projection(name + ".mlp.up_proj", feedForwardBias, weights),
        projection(name + ".mlp.down_proj", feedForwardBias, weights));
  }

  private float[] gain(String name, Function<String, StoredTensor> weights) {
    return config.variant().queryKeyNorm() ? weights.apply(name).toFloats() : new float[0];
  }

  private static Projection projection(
      String name, boolean bias, Function<String, StoredTensor> weights) {
    return new Projection(
        WeightMatrix.of(weights.apply(name + ".weight")),
        bias ? weights.apply(name + ".bias").toFloats() : new float[0]);
  }

  public LlamaConfig config() {
    return config;
  }

  @Override
  public int vocabularySize() {
    return config.vocabularySize();
  }

  @Override
  public int contextLength() {
    return config.contextLength();
  }

  @Override
  public Session open() {
    return new LlamaDecoderSession(this);
  }

  /// Ends the threads; sessions go on without them.
  @Override
  public void close() {
    workers.close();
  }
}
