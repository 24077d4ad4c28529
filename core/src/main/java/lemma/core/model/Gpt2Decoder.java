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

/// [Gpt2] made fast.
///
/// A product reads rows of outputs. `Conv1D` keeps them as columns, so these matrices, two thirds of
/// the weights, are copied once, transposed, to memory outside of the heap; the tables stay mapped.
public final class Gpt2Decoder implements DecoderModel {

  /// Gain and bias of a LayerNorm.
  record Norm(float[] gain, float[] bias) {}

  /// The weights of one layer; q, k and v are thirds of one matrix.
  record Layer(
      Norm attentionNorm,
      Projection q,
      Projection k,
      Projection v,
      Projection o,
      Norm feedForwardNorm,
      Projection in,
      Projection out) {}

  final Gpt2Config config;
  final WeightMatrix embedding;
  final WeightMatrix positions;
  final List<Layer> layers;
  final Norm norm;
  final WeightMatrix head;
  final Workers workers;
  private final Function<String, StoredTensor> weights;

  Gpt2Decoder(Gpt2Config config, Function<String, StoredTensor> weights, int threads) {
    this.config = config;
    this.weights = weights;
    embedding = WeightMatrix.of(weights.apply("transformer.wte.weight"));
    positions = WeightMatrix.of(weights.apply("transformer.wpe.weight"));
    layers = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) layers.add(layer("transformer.h." + i));
    norm = norm("transformer.ln_f");
    head = config.tiedEmbeddings() ? embedding : WeightMatrix.of(weights.apply("lm_head.weight"));
    workers = new Workers(threads);
  }

  /// Maps a checkpoint.
  ///
  /// @throws FormatException if a file is missing, damaged or does not fit the configuration
  /// @throws IllegalArgumentException if `threads` is not positive
  public static Gpt2Decoder open(Path path, int threads) throws IOException {
    var checkpoint = ModelCheckpoint.open(path, Gpt2Config.class);
    return new Gpt2Decoder(checkpoint.config(), checkpoint::tensor, threads);
  }

  /// The same model with its weights narrowed to `format`.
  public static Gpt2Decoder of(Gpt2 model, FloatFormat format, int threads) {
    return new Gpt2Decoder(model.config(), Weights.stored(model.weights(), format), threads);
  }

  private Layer layer(String name) {
    StoredTensor qkv = outputsFirst(name + ".attn.c_attn");
    StoredTensor bias = weights.apply(name + ".attn.c_attn.bias");
    return new Layer(
        norm(name + ".ln_1"),
        third(qkv, bias, 0),
        third(qkv, bias, 1),
        third(qkv, bias, 2),
        projection(name + ".attn.c_proj"),
        norm(name + ".ln_2"),
        projection(name + ".mlp.c_fc"),
        projection(name + ".mlp.c_proj"));
  }

  private Projection third(StoredTensor weight, StoredTensor bias, int index) {
    long from = (long) index * config.hiddenSize();
    long to = from + config.hiddenSize();
    return Projection.of(weight.slices(from, to), bias.slices(from, to));
  }

  private Projection projection(String name) {
    return Projection.of(outputsFirst(name), weights.apply(name + ".bias"));
  }

  private StoredTensor outputsFirst(String name) {
    StoredTensor weight = weights.apply(name + ".weight");
    return config.outputsFirst() ? weight : weight.transposed();
  }

  private Norm norm(String name) {
    return new Norm(
        weights.apply(name + ".weight").toFloats(), weights.apply(name + ".bias").toFloats());
  }

  @Override
  public Gpt2Config config() {
    return config;
  }

  @Override
  public Session open() {
    return new Gpt2DecoderSession(this);
  }

  @Override
  public void close() {
    workers.close();
  }
}
