package lemma.core.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import lemma.core.activation.Activation;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.GroupedQuery;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.feedforward.GluFfn;
import lemma.core.feedforward.Linear;
import lemma.core.feedforward.MixtureOfExperts;
import lemma.core.feedforward.TopKRouter;
import lemma.core.format.FloatFormat;
import lemma.core.format.FormatException;
import lemma.core.format.SafetensorsWriter;
import lemma.core.format.StoredTensor;
import lemma.core.tensor.Tensor;

/// A decoder of the Llama family: Llama, Mistral, Mixtral, Qwen2, Qwen3.
///
/// ```
/// x₀ = E[tokens]
/// h  = x + Attention(RMSNorm(x))          for each layer
/// x  = h + SwiGLU(RMSNorm(h))             Mixtral: a mixture of them
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
    weights = Weights.checked(weights, config.weightShapes());
  }

  /// Random weights as GPT-2 begins: N(0, 0.02²) for matrices, divided by √(2·layers) where they
  /// write into the residual stream, ones for gains, zeros for biases. All are parameters.
  public static Llama initialise(LlamaConfig config, RandomGenerator random) {
    double residual = 0.02 / Math.sqrt(2.0 * config.layers());
    return new Llama(
        config,
        Weights.initialise(
            config.weightShapes(),
            name -> name.matches(".*\\.(o_proj|down_proj|w2)\\.weight") ? residual : 0.02,
            random));
  }

  /// Reads a folder with `config.json` and safetensors files, one such file beside its `config.json`,
  /// or a GGUF file; every weight is a constant.
  ///
  /// @throws FormatException if a file is missing, damaged or does not fit the configuration
  public static Llama load(Path path) throws IOException {
    var checkpoint = ModelCheckpoint.open(path, LlamaConfig.class);
    return new Llama(checkpoint.config(), Weights.load(checkpoint));
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
    return new Llama(config, Weights.trainable(weights));
  }

  /// The logits of every position, `[batch, time, vocabularySize]`.
  ///
  /// @throws IllegalArgumentException if there is no token, the rows differ in length, a token is
  ///     outside the vocabulary or a row is longer than the context
  public Tensor forward(int[][] tokens) {
    return head(hiddenStates(tokens, new Past(config.layers())).getLast());
  }

  /// The residual stream `[batch, time, hiddenSize]` after the embedding and after each layer; the
  /// last one is normalised, ready for the head.
  public List<Tensor> hiddenStates(int[][] tokens) {
    return hiddenStates(tokens, new Past(config.layers()));
  }

  /// The same for tokens that follow those of `past`, which grows by them.
  List<Tensor> hiddenStates(int[][] tokens, Past past) {
    List<Tensor> states = new ArrayList<>();
    Tensor x = embed(tokens, past.length());
    states.add(x);
    for (int layer = 0; layer < config.layers(); layer++) {
      String name = "model.layers." + layer;
      x = x.add(attention(layer, norm(name + ".input_layernorm", x), past));
      x = x.add(feedForward(name, norm(name + ".post_attention_layernorm", x)));
      states.add(x);
    }
    states.set(config.layers(), norm("model.norm", x));
    return states;
  }

  Tensor head(Tensor x) {
    return config.variant().tiedEmbeddings() ? embedding().logits(x) : linear("lm_head").apply(x);
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
    return new FormulaSession(config.vocabularySize(), config.layers(), this::states, this::head);
  }

  /// The last states of one text's tokens, which follow those of `past`.
  Tensor states(int[] tokens, Past past) {
    return hiddenStates(new int[][] {tokens}, past).getLast();
  }

  private Embedding embedding() {
    return new Embedding(weights.get("model.embed_tokens.weight"));
  }

  private Tensor embed(int[][] tokens, int start) {
    Tensor x = embedding().lookUp(tokens);
    Checks.fits(x.size(1), start, config.contextLength());
    return x;
  }

  private Tensor attention(int layer, Tensor x, Past past) {
    String name = "model.layers." + layer + ".self_attn";
    // [batch, heads, time, headDim]
    Tensor q = Weights.heads(linear(name + ".q_proj").apply(x), config.heads());
    Tensor k = Weights.heads(linear(name + ".k_proj").apply(x), config.keyValueHeads());
    Tensor v = Weights.heads(linear(name + ".v_proj").apply(x), config.keyValueHeads());
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
                mask(layer, past));
    return linear(name + ".o_proj").apply(Weights.joined(mixed));
  }

  private AttentionMask mask(int layer, Past past) {
    if (past.prefix() > 0) return new AttentionMask.Prefix(past.prefix());
    int window = config.window(layer);
    return window == 0 ? new AttentionMask.Causal() : new AttentionMask.SlidingWindow(window);
  }

  private Tensor feedForward(String layer, Tensor x) {
    if (config.experts() > 0) return mixture(layer + ".block_sparse_moe").apply(x);
    String name = layer + ".mlp";
    return swiGlu(name + ".gate_proj", name + ".up_proj", name + ".down_proj").apply(x);
  }

  /// down(silu(gate(x)) ⊙ up(x))
  private GluFfn swiGlu(String gate, String up, String down) {
    return new GluFfn(Activation.Swish.SILU, linear(gate), linear(up), linear(down));
  }

  private MixtureOfExperts mixture(String name) {
    List<UnaryOperator<Tensor>> experts = new ArrayList<>();
    for (int e = 0; e < config.experts(); e++) {
      String expert = name + ".experts." + e;
      experts.add(swiGlu(expert + ".w1", expert + ".w3", expert + ".w2")::apply);
    }
    Tensor gate = weights.get(name + ".gate.weight");
    return new MixtureOfExperts(
        new TopKRouter(gate, config.expertsPerToken(), TopKRouter.Weighting.RENORMALISED), experts);
  }

  private Tensor norm(String name, Tensor x) {
    return Weights.rmsNorm(weights, name, config.epsilon(), x);
  }

  private Linear linear(String name) {
    return Weights.linear(weights, name);
  }
}
