package lemma.core.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.GroupedQuery;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.format.FloatFormat;
import lemma.core.format.FormatException;
import lemma.core.format.SafetensorsWriter;
import lemma.core.format.StoredTensor;
import lemma.core.norm.RmsNorm;
import lemma.core.tensor.Tensor;

/// A decoder of the Llama family: Llama, Mistral, Qwen2, Qwen3.
///
/// ```
/// x₀ = E[tokens]
/// h  = x + Attention(RMSNorm(x))          for each layer
/// x  = h + SwiGLU(RMSNorm(h))
/// logits = RMSNorm(x)·Wᵀ                  W = E if the embeddings are tied
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `tokens` | `[batch, time]` | ids |
/// | `x`, `h` | `[batch, time, hiddenSize]` | the residual stream |
/// | `logits` | `[batch, time, vocabularySize]` | row t speaks of token t + 1 |
///
/// Weights have the names and shapes of Hugging Face checkpoints, so that one map is loaded, saved
/// and trained. It is differentiable with respect to every weight that is a
/// [parameter][Tensor#parameter].
///
/// Touvron et al. 2023, arXiv:2302.13971 and arXiv:2307.09288. Answer: `model/decoder-models.md`.
public record Llama(LlamaConfig config, Map<String, Tensor> weights) implements LanguageModel {

  /// Keeps the order of `weights`, and the tensors themselves.
  ///
  /// @throws IllegalArgumentException if a weight is missing, unknown or has another shape than
  ///     [LlamaConfig#weightShapes] says
  public Llama {
    weights = Collections.unmodifiableMap(new LinkedHashMap<>(weights));
    Map<String, int[]> shapes = config.weightShapes();
    for (var wanted : shapes.entrySet()) {
      Tensor weight = weights.get(wanted.getKey());
      String expected = wanted.getKey() + " " + Arrays.toString(wanted.getValue());
      if (weight == null) throw new IllegalArgumentException("weight " + expected + " is missing");
      if (!Arrays.equals(weight.shape(), wanted.getValue()))
        throw new IllegalArgumentException(
            "weight " + expected + " has shape " + Arrays.toString(weight.shape()));
    }
    for (String name : weights.keySet())
      if (!shapes.containsKey(name))
        throw new IllegalArgumentException("weight " + name + " is unknown to this configuration");
  }

  /// Random weights as GPT-2 begins: N(0, 0.02²) for matrices, divided by √(2·layers) where they
  /// write into the residual stream, ones for gains, zeros for biases. All are parameters.
  public static Llama initialise(LlamaConfig config, RandomGenerator random) {
    double residual = 0.02 / Math.sqrt(2.0 * config.layers());
    Map<String, Tensor> weights = new LinkedHashMap<>();
    config
        .weightShapes()
        .forEach((name, shape) -> {
          boolean intoResidual =
              name.endsWith("o_proj.weight") || name.endsWith("down_proj.weight");
          Tensor weight =
              name.endsWith(".bias")
                  ? Tensor.zeros(shape)
                  : shape.length == 1
                      ? Tensor.ones(shape)
                      : Tensor.gaussian(random, shape).mul(intoResidual ? residual : 0.02);
          weights.put(name, weight.parameter());
        });
    return new Llama(config, weights);
  }

  /// Reads a folder with `config.json` and safetensors files, or one such file beside its
  /// `config.json`; every weight is a constant.
  ///
  /// @throws FormatException if a file is missing, damaged or does not fit the configuration
  public static Llama load(Path path) throws IOException {
    LlamaCheckpoint checkpoint = LlamaCheckpoint.open(path);
    Map<String, Tensor> weights = new LinkedHashMap<>();
    checkpoint
        .config()
        .weightShapes()
        .forEach((name, shape) ->
            weights.put(name, Tensor.ofShared(checkpoint.tensor(name).toDoubles(), shape)));
    return new Llama(checkpoint.config(), weights);
  }

  /// Writes `config.json` and `model.safetensors` into a folder, which is made if it is not there.
  public void save(Path folder, FloatFormat format) throws IOException {
    List<StoredTensor> stored = new ArrayList<>();
    weights.forEach(
        (name, weight) -> stored.add(StoredTensor.of(name, weight.data(), weight.shape(), format)));
    Files.createDirectories(folder);
    SafetensorsWriter.write(folder.resolve("model.safetensors"), stored, Map.of("format", "pt"));
    LlamaConfigFile.write(config, format, folder.resolve("config.json"));
  }

  /// The weights to train, by name: the same map as [#weights].
  public Map<String, Tensor> parameters() {
    return weights;
  }

  /// The same model with every weight as a parameter: [Tensor#backward] gives its gradient.
  public Llama trainable() {
    Map<String, Tensor> leaves = new LinkedHashMap<>();
    weights.forEach((name, weight) -> leaves.put(name, weight.parameter()));
    return new Llama(config, leaves);
  }

  /// The logits of every position, `[batch, time, vocabularySize]`.
  ///
  /// @throws IllegalArgumentException if there is no token, the rows differ in length, a token is
  ///     outside the vocabulary or a row is longer than the context
  public Tensor forward(int[][] tokens) {
    return head(hiddenStates(tokens, new LlamaPast(config.layers())).getLast());
  }

  /// The residual stream `[batch, time, hiddenSize]` after the embedding and after each layer; the
  /// last one is normalised, ready for the head.
  public List<Tensor> hiddenStates(int[][] tokens) {
    return hiddenStates(tokens, new LlamaPast(config.layers()));
  }

  /// The same for tokens that follow those of `past`, which grows by them.
  List<Tensor> hiddenStates(int[][] tokens, LlamaPast past) {
    List<Tensor> states = new ArrayList<>();
    Tensor x = embed(tokens, past.length());
    states.add(x);
    for (int layer = 0; layer < config.layers(); layer++) {
      String name = "model.layers." + layer;
      x = x.add(attention(layer, norm(name + ".input_layernorm", x), past));
      x = x.add(feedForward(name + ".mlp", norm(name + ".post_attention_layernorm", x)));
      states.add(x);
    }
    states.set(config.layers(), norm("model.norm", x));
    return states;
  }

  Tensor head(Tensor x) {
    boolean tied = config.variant().tiedEmbeddings();
    return linear(tied ? "model.embed_tokens" : "lm_head", x);
  }

  @Override
  public int vocabularySize() {
    return config.vocabularySize();
  }

  @Override
  public int contextLength() {
    return config.contextLength();
  }

  /// A session that keeps keys and values, in double: the judge of the fast decoder's.
  @Override
  public Session open() {
    return new LlamaSession(this);
  }

  private Tensor embed(int[][] tokens, int start) {
    int time = tokens.length == 0 ? 0 : tokens[0].length;
    if (time == 0) throw new IllegalArgumentException("there must be a token");
    if (start + time > config.contextLength())
      throw new IllegalArgumentException(
          "%d tokens after %d exceed the context of %d"
              .formatted(time, start, config.contextLength()));
    for (int[] row : tokens)
      if (row.length != time)
        throw new IllegalArgumentException(
            "rows must have the same number of tokens, were %d and %d".formatted(time, row.length));
    int[] ids = Arrays.stream(tokens).flatMapToInt(Arrays::stream).toArray();
    for (int id : ids) checkToken(id, config.vocabularySize());
    return weights
        .get("model.embed_tokens.weight")
        .rows(ids)
        .reshape(tokens.length, time, config.hiddenSize());
  }

  static void checkToken(int id, int vocabularySize) {
    if (id < 0 || id >= vocabularySize)
      throw new IllegalArgumentException(
          "token %d is outside the vocabulary of %d".formatted(id, vocabularySize));
  }

  private Tensor attention(int layer, Tensor x, LlamaPast past) {
    String name = "model.layers." + layer + ".self_attn";
    Tensor q = heads(linear(name + ".q_proj", x), config.heads()); // [batch, heads, time, headDim]
    Tensor k = heads(linear(name + ".k_proj", x), config.keyValueHeads());
    Tensor v = heads(linear(name + ".v_proj", x), config.keyValueHeads());
    if (config.variant().queryKeyNorm()) {
      q = norm(name + ".q_norm", q);
      k = norm(name + ".k_norm", k);
    }
    int[] positions = past.positions(layer, x.size(1));
    past.append(layer, config.rope().apply(k, positions), v);
    Tensor mixed =
        new GroupedQuery(
                config.heads(), config.keyValueHeads(), ScaledDotProduct.of(config.headDim()))
            .apply(
                config.rope().apply(q, positions),
                past.keys(layer),
                past.values(layer),
                mask(layer));
    Tensor joined = mixed.transpose(1, 2).reshape(x.size(0), x.size(1), -1);
    return linear(name + ".o_proj", joined);
  }

  private AttentionMask mask(int layer) {
    int window = config.window(layer);
    return window == 0 ? new AttentionMask.Causal() : new AttentionMask.SlidingWindow(window);
  }

  /// down(silu(gate(x)) ⊙ up(x))
  private Tensor feedForward(String name, Tensor x) {
    Tensor gate = linear(name + ".gate_proj", x).silu();
    return linear(name + ".down_proj", gate.mul(linear(name + ".up_proj", x)));
  }

  private Tensor heads(Tensor x, int count) {
    return x.reshape(x.size(0), x.size(1), count, -1).transpose(1, 2);
  }

  private Tensor norm(String name, Tensor x) {
    return new RmsNorm(weights.get(name + ".weight"), config.epsilon()).apply(x);
  }

  private Tensor linear(String name, Tensor x) {
    Tensor y = x.matmulTransposed(weights.get(name + ".weight"));
    Tensor bias = weights.get(name + ".bias");
    return bias == null ? y : y.add(bias);
  }
}
