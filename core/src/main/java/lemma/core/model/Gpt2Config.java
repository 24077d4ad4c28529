package lemma.core.model;

import java.util.LinkedHashMap;
import java.util.Map;
import lemma.core.activation.Activation;
import lemma.core.format.JsonFile;

/// The sizes of a GPT-2.
///
/// | component | `config.json` | |
/// |---|---|---|
/// | `vocabularySize` | `vocab_size` | |
/// | `hiddenSize` | `n_embd` | |
/// | `intermediateSize` | `n_inner` | 4·`hiddenSize` if it is not said |
/// | `layers` | `n_layer` | |
/// | `heads` | `n_head` | each has its own keys and values |
/// | `contextLength` | `n_positions` | rows of the position table: there is no further one |
/// | `epsilon` | `layer_norm_epsilon` | |
/// | `tiedEmbeddings` | `tie_word_embeddings` | as published: yes |
/// | `outputsFirst` | | whether a row of a projection makes an output, as in GGUF files; in `Conv1D`, as published, a column does |
public record Gpt2Config(
    int vocabularySize,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int contextLength,
    double epsilon,
    boolean tiedEmbeddings,
    boolean outputsFirst)
    implements DecoderConfig {

  /// @throws IllegalArgumentException if a size is not positive, `heads` do not divide `hiddenSize`
  ///     or a matrix would have 2³¹ elements or more
  public Gpt2Config {
    Checks.positive("vocabularySize", vocabularySize);
    Checks.positive("hiddenSize", hiddenSize);
    Checks.positive("intermediateSize", intermediateSize);
    Checks.positive("layers", layers);
    Checks.positive("contextLength", contextLength);
    Checks.headsDivide(heads, hiddenSize);
    Checks.matrices(hiddenSize, vocabularySize, intermediateSize, contextLength, 3L * hiddenSize);
    Checks.epsilon(epsilon);
  }

  /// As published: tied embeddings, `Conv1D`, a feed-forward layer four times as wide, ε = 10⁻⁵.
  public static Gpt2Config published(
      int vocabularySize, int hiddenSize, int layers, int heads, int contextLength) {
    return new Gpt2Config(
        vocabularySize,
        hiddenSize,
        Math.multiplyExact(4, hiddenSize),
        layers,
        heads,
        contextLength,
        1e-5,
        true,
        false);
  }

  @Override
  public int keyValueHeads() {
    return heads;
  }

  @Override
  public int headDim() {
    return hiddenSize / heads;
  }

  static Gpt2Config read(JsonFile json) {
    if (!(Checks.activation(json, "activation_function", "gelu_new")
        instanceof Activation.GeluTanh)) Checks.require(json, "activation_function", "gelu_new");
    Checks.require(json, "scale_attn_weights", true);
    Checks.require(json, "scale_attn_by_inverse_layer_idx", false);
    Checks.require(json, "add_cross_attention", false);
    int hiddenSize = json.integer("n_embd");
    return new Gpt2Config(
        json.integer("vocab_size"),
        hiddenSize,
        json.has("n_inner") ? json.integer("n_inner") : Math.multiplyExact(4, hiddenSize),
        json.integer("n_layer"),
        json.integer("n_head"),
        json.integer("n_positions"),
        json.number("layer_norm_epsilon", 1e-5),
        json.flag("tie_word_embeddings", true),
        false);
  }

  @Override
  public Map<String, int[]> weightShapes() {
    Map<String, int[]> shapes = new LinkedHashMap<>();
    shapes.put("transformer.wte.weight", new int[] {vocabularySize, hiddenSize});
    shapes.put("transformer.wpe.weight", new int[] {contextLength, hiddenSize});
    for (int layer = 0; layer < layers; layer++) {
      String name = "transformer.h." + layer;
      norm(name + ".ln_1", shapes);
      projection(name + ".attn.c_attn", hiddenSize, 3 * hiddenSize, shapes);
      projection(name + ".attn.c_proj", hiddenSize, hiddenSize, shapes);
      norm(name + ".ln_2", shapes);
      projection(name + ".mlp.c_fc", hiddenSize, intermediateSize, shapes);
      projection(name + ".mlp.c_proj", intermediateSize, hiddenSize, shapes);
    }
    norm("transformer.ln_f", shapes);
    if (!tiedEmbeddings) shapes.put("lm_head.weight", new int[] {vocabularySize, hiddenSize});
    return shapes;
  }

  private void norm(String name, Map<String, int[]> shapes) {
    shapes.put(name + ".weight", new int[] {hiddenSize});
    shapes.put(name + ".bias", new int[] {hiddenSize});
  }

  private void projection(String name, int in, int out, Map<String, int[]> shapes) {
    shapes.put(name + ".weight", outputsFirst ? new int[] {out, in} : new int[] {in, out});
    shapes.put(name + ".bias", new int[] {out});
  }
}
