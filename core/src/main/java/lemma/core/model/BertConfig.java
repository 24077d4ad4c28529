package lemma.core.model;

import java.util.LinkedHashMap;
import java.util.Map;
import lemma.core.activation.Activation;
import lemma.core.format.JsonFile;

/// The sizes of a BERT.
///
/// | component | `config.json` | |
/// |---|---|---|
/// | `vocabularySize` | `vocab_size` | |
/// | `hiddenSize` | `hidden_size` | |
/// | `intermediateSize` | `intermediate_size` | |
/// | `layers` | `num_hidden_layers` | |
/// | `heads` | `num_attention_heads` | |
/// | `contextLength` | `max_position_embeddings` | rows of the position table |
/// | `segments` | `type_vocab_size` | 2: a first and a second sentence |
/// | `epsilon` | `layer_norm_eps` | 10⁻¹² as published |
/// | `activation` | `hidden_act` | GELU as published, with the error function |
/// | `tiedEmbeddings` | `tie_word_embeddings` | as published: yes |
public record BertConfig(
    int vocabularySize,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int contextLength,
    int segments,
    double epsilon,
    Activation activation,
    boolean tiedEmbeddings)
    implements ModelConfig {

  /// @throws IllegalArgumentException if a size is not positive, `heads` do not divide `hiddenSize`
  ///     or a matrix would have 2³¹ elements or more
  public BertConfig {
    Checks.positive("vocabularySize", vocabularySize);
    Checks.positive("hiddenSize", hiddenSize);
    Checks.positive("intermediateSize", intermediateSize);
    Checks.positive("layers", layers);
    Checks.positive("contextLength", contextLength);
    Checks.positive("segments", segments);
    Checks.headsDivide(heads, hiddenSize);
    Checks.matrices(
        hiddenSize, vocabularySize, intermediateSize, contextLength, segments, hiddenSize);
    Checks.epsilon(epsilon);
  }

  /// As published: two segments, ε = 10⁻¹², GELU, tied embeddings.
  public static BertConfig published(
      int vocabularySize,
      int hiddenSize,
      int intermediateSize,
      int layers,
      int heads,
      int contextLength) {
    return new BertConfig(
        vocabularySize,
        hiddenSize,
        intermediateSize,
        layers,
        heads,
        contextLength,
        2,
        1e-12,
        new Activation.Gelu(),
        true);
  }

  static BertConfig read(JsonFile json) {
    Checks.require(json, "position_embedding_type", "absolute");
    Checks.require(json, "is_decoder", false);
    return new BertConfig(
        json.integer("vocab_size"),
        json.integer("hidden_size"),
        json.integer("intermediate_size"),
        json.integer("num_hidden_layers"),
        json.integer("num_attention_heads"),
        json.integer("max_position_embeddings"),
        json.integer("type_vocab_size", 2),
        json.number("layer_norm_eps", 1e-12),
        Checks.activation(json, "hidden_act", "gelu"),
        json.flag("tie_word_embeddings", true));
  }

  @Override
  public Map<String, int[]> weightShapes() {
    Map<String, int[]> shapes = new LinkedHashMap<>();
    String embeddings = "bert.embeddings";
    shapes.put(embeddings + ".word_embeddings.weight", new int[] {vocabularySize, hiddenSize});
    shapes.put(embeddings + ".position_embeddings.weight", new int[] {contextLength, hiddenSize});
    shapes.put(embeddings + ".token_type_embeddings.weight", new int[] {segments, hiddenSize});
    norm(embeddings + ".LayerNorm", shapes);
    for (int layer = 0; layer < layers; layer++) {
      String name = "bert.encoder.layer." + layer;
      for (String projection : new String[] {"query", "key", "value"})
        linear(name + ".attention.self." + projection, hiddenSize, hiddenSize, shapes);
      linear(name + ".attention.output.dense", hiddenSize, hiddenSize, shapes);
      norm(name + ".attention.output.LayerNorm", shapes);
      linear(name + ".intermediate.dense", intermediateSize, hiddenSize, shapes);
      linear(name + ".output.dense", hiddenSize, intermediateSize, shapes);
      norm(name + ".output.LayerNorm", shapes);
    }
    linear("cls.predictions.transform.dense", hiddenSize, hiddenSize, shapes);
    norm("cls.predictions.transform.LayerNorm", shapes);
    if (!tiedEmbeddings)
      shapes.put("cls.predictions.decoder.weight", new int[] {vocabularySize, hiddenSize});
    shapes.put("cls.predictions.bias", new int[] {vocabularySize});
    return shapes;
  }

  private void norm(String name, Map<String, int[]> shapes) {
    shapes.put(name + ".weight", new int[] {hiddenSize});
    shapes.put(name + ".bias", new int[] {hiddenSize});
  }

  private static void linear(String name, int out, int in, Map<String, int[]> shapes) {
    shapes.put(name + ".weight", new int[] {out, in});
    shapes.put(name + ".bias", new int[] {out});
  }
}
