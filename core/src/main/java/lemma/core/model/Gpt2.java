package lemma.core.model;

import static lemma.core.tensor.Tensor.LAST;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.format.FormatException;
import lemma.core.tensor.Tensor;

/// GPT-2: the decoder that Llama grew out of.
///
/// ```
/// x₀ = E[tokens] + P[positions]
/// h  = x + Attention(LayerNorm(x))        for each layer
/// x  = h + W₂·gelu(W₁·LayerNorm(h))
/// logits = LayerNorm(x)·Eᵀ
/// ```
///
/// | | GPT-2 | Llama |
/// |---|---|---|
/// | norm | LayerNorm, with bias | RMSNorm |
/// | positions | a learned row each, added once | q and k rotated in every layer |
/// | feed-forward | two matrices, GELU (tanh form) | three, gated by SiLU |
/// | biases | everywhere but in the head | none |
/// | q, k, v | one fused matrix | three |
///
/// Weights have the names and shapes of Hugging Face checkpoints; its `Conv1D` keeps a projection as
/// `[in, out]`, the transpose of what everyone else does.
///
/// Radford et al. 2019, section 2.3. Answer: `model/decoder-models.md`.
public record Gpt2(Gpt2Config config, Map<String, Tensor> weights) implements LanguageModel {

  /// Keeps the order of `weights`, and the tensors themselves.
  ///
  /// @throws IllegalArgumentException if a weight is missing, unknown or has another shape than
  ///     [Gpt2Config#weightShapes] says
  public Gpt2 {
    weights = Weights.checked(weights, config.weightShapes());
  }

  /// As the paper begins: N(0, 0.02²) for matrices, divided by √(2·layers) where they write into the
  /// residual stream, ones for gains, zeros for biases. All are parameters.
  public static Gpt2 initialise(Gpt2Config config, RandomGenerator random) {
    double residual = 0.02 / Math.sqrt(2.0 * config.layers());
    return new Gpt2(
        config,
        Weights.initialise(
            config.weightShapes(),
            name -> name.endsWith("c_proj.weight") ? residual : 0.02,
            random));
  }

  /// Reads a checkpoint; every weight is a constant.
  ///
  /// @throws FormatException if a file is missing, damaged or does not fit the configuration
  public static Gpt2 load(Path path) throws IOException {
    var checkpoint = ModelCheckpoint.open(path, Gpt2Config.class);
    return new Gpt2(checkpoint.config(), Weights.load(checkpoint));
  }

  /// The same model with every weight as a parameter.
  public Gpt2 trainable() {
    return new Gpt2(config, Weights.trainable(weights));
  }

  /// The logits of every position, `[batch, time, vocabularySize]`.
  ///
  /// @throws IllegalArgumentException if there is no token, the rows differ in length, a token is
  ///     outside the vocabulary or a row is longer than the context
  public Tensor forward(int[][] tokens) {
    return head(hiddenStates(tokens).getLast());
  }

  /// The residual stream `[batch, time, hiddenSize]` after the embedding and after each layer; the
  /// last one is normalised, ready for the head.
  public List<Tensor> hiddenStates(int[][] tokens) {
    return hiddenStates(tokens, new Past(config.layers()));
  }

  /// The same for tokens that follow those of `past`, which grows by them.
  List<Tensor> hiddenStates(int[][] tokens, Past past) {
    List<Tensor> states = new ArrayList<>();
    Tensor x = embed(tokens, past);
    states.add(x);
    for (int layer = 0; layer < config.layers(); layer++) {
      String name = "transformer.h." + layer;
      x = x.add(attention(layer, norm(name + ".ln_1", x), past));
      x = x.add(feedForward(name + ".mlp", norm(name + ".ln_2", x)));
      states.add(x);
    }
    states.set(config.layers(), norm("transformer.ln_f", x));
    return states;
  }

  Tensor head(Tensor x) {
    return config.tiedEmbeddings()
        ? embedding().logits(x)
        : Weights.linear(weights, "lm_head").apply(x);
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
    return new FormulaSession(
        config.vocabularySize(),
        config.layers(),
        (tokens, past) -> hiddenStates(new int[][] {tokens}, past).getLast(),
        this::head);
  }

  private Embedding embedding() {
    return new Embedding(weights.get("transformer.wte.weight"));
  }

  private Tensor embed(int[][] tokens, Past past) {
    Tensor x = embedding().lookUp(tokens);
    Checks.fits(x.size(1), past.length(), config.contextLength());
    return x.add(weights.get("transformer.wpe.weight").rows(past.positions(0, x.size(1))));
  }

  private Tensor attention(int layer, Tensor x, Past past) {
    String name = "transformer.h." + layer + ".attn";
    int width = config.hiddenSize();
    Tensor qkv = projection(name + ".c_attn", x);
    Tensor q = Weights.heads(qkv.slice(LAST, 0, width), config.heads());
    Tensor k = Weights.heads(qkv.slice(LAST, width, 2 * width), config.heads());
    Tensor v = Weights.heads(qkv.slice(LAST, 2 * width, 3 * width), config.heads());
    past.append(layer, k, v);
    Tensor mixed =
        ScaledDotProduct.of(config.headDim())
            .apply(q, past.keys(layer), past.values(layer), new AttentionMask.Causal())
            .output();
    return projection(name + ".c_proj", Weights.joined(mixed));
  }

  /// c_proj(gelu(c_fc(x)))
  private Tensor feedForward(String name, Tensor x) {
    return projection(name + ".c_proj", projection(name + ".c_fc", x).geluTanh());
  }

  private Tensor projection(String name, Tensor x) {
    if (config.outputsFirst()) return Weights.linear(weights, name).apply(x);
    return x.matmul(weights.get(name + ".weight")).add(weights.get(name + ".bias"));
  }

  private Tensor norm(String name, Tensor x) {
    return Weights.layerNorm(weights, name, config.epsilon(), x);
  }
}
