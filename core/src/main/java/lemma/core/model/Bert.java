package lemma.core.model;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.feedforward.FeedForward;
import lemma.core.feedforward.Linear;
import lemma.core.format.FormatException;
import lemma.core.tensor.Tensor;

/// BERT with its head for masked words: an encoder, whose every token sees every other.
///
/// ```
/// x₀ = LayerNorm(E[tokens] + P[positions] + S[segments])
/// h  = LayerNorm(x + Attention(x))                        for each layer: post-norm
/// x  = LayerNorm(h + W₂·gelu(W₁·h))
/// logits = LayerNorm(gelu(W·x))·Eᵀ + b
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `tokens`, `segments` | `[batch, time]` | ids; 0 for the first sentence, 1 for the second |
/// | `real` | `[batch, time]` | false hides a token of padding from all others |
/// | `logits` | `[batch, time, vocabularySize]` | row t speaks of token t itself |
///
/// There is no mask but that of the padding, so a row of logits may copy its own token: it means
/// something only where the input has a `[MASK]`.
///
/// Devlin et al. 2019, arXiv:1810.04805. Answer: `model/architectures.md`.
public record Bert(BertConfig config, Map<String, Tensor> weights) {

  /// Keeps the order of `weights`, and the tensors themselves.
  ///
  /// @throws IllegalArgumentException if a weight is missing, unknown or has another shape than
  ///     [BertConfig#weightShapes] says
  public Bert {
    weights = Weights.checked(weights, config.weightShapes());
  }

  /// As the paper begins: N(0, 0.02²) for matrices, ones for gains, zeros for biases. All are
  /// parameters.
  public static Bert initialise(BertConfig config, RandomGenerator random) {
    return new Bert(config, Weights.initialise(config.weightShapes(), name -> 0.02, random));
  }

  /// Reads a checkpoint; every weight is a constant.
  ///
  /// @throws FormatException if a file is missing, damaged or does not fit the configuration
  public static Bert load(Path path) throws IOException {
    var checkpoint = ModelCheckpoint.open(path, BertConfig.class);
    return new Bert(checkpoint.config(), Weights.load(checkpoint));
  }

  /// The same model with every weight as a parameter.
  public Bert trainable() {
    return new Bert(config, Weights.trainable(weights));
  }

  /// The logits of texts of one sentence, without padding.
  ///
  /// @throws IllegalArgumentException as the other form says
  public Tensor forward(int[][] tokens) {
    boolean[][] real = new boolean[tokens.length][];
    int[][] segments = new int[tokens.length][];
    for (int i = 0; i < tokens.length; i++) {
      real[i] = new boolean[tokens[i].length];
      Arrays.fill(real[i], true);
      segments[i] = new int[tokens[i].length];
    }
    return forward(tokens, segments, real);
  }

  /// The logits of every position, `[batch, time, vocabularySize]`.
  ///
  /// @throws IllegalArgumentException if there is no token, the rows differ in length, an id is
  ///     outside its table, a text has no real token or is longer than the context
  public Tensor forward(int[][] tokens, int[][] segments, boolean[][] real) {
    return head(hiddenStates(tokens, segments, real).getLast());
  }

  /// The stream `[batch, time, hiddenSize]` after the embeddings and after each layer.
  ///
  /// @throws IllegalArgumentException as [#forward] says
  public List<Tensor> hiddenStates(int[][] tokens, int[][] segments, boolean[][] real) {
    List<Tensor> states = new ArrayList<>();
    Tensor x = embed(tokens, segments);
    Tensor hidden = hidden(real, x.size(0), x.size(1));
    states.add(x);
    for (int layer = 0; layer < config.layers(); layer++) {
      String name = "bert.encoder.layer." + layer;
      Tensor h = norm(name + ".attention.output", x.add(attention(name + ".attention", x, hidden)));
      x = norm(name + ".output", h.add(feedForward(name, h)));
      states.add(x);
    }
    return states;
  }

  private Tensor embed(int[][] tokens, int[][] segments) {
    String name = "bert.embeddings";
    Tensor words = table(name + ".word_embeddings").lookUp(tokens);
    Checks.fits(words.size(1), 0, config.contextLength());
    Tensor types = table(name + ".token_type_embeddings").lookUp(segments);
    if (!Arrays.equals(types.shape(), words.shape()))
      throw new IllegalArgumentException(
          "segments must be as many as the %d tokens of %d texts"
              .formatted(words.size(1), words.size(0)));
    int[] positions = IntStream.range(0, words.size(1)).toArray();
    Tensor places = weights.get(name + ".position_embeddings.weight").rows(positions);
    return norm(name, words.add(places).add(types));
  }

  /// 1 where a key is padding, `[batch, 1, 1, time]`: the same for every head and query.
  private static Tensor hidden(boolean[][] real, int batch, int time) {
    double[] hidden = new double[batch * time];
    if (real.length != batch)
      throw new IllegalArgumentException(
          "real must say it of %d texts, says it of %d".formatted(batch, real.length));
    for (int b = 0; b < batch; b++) {
      if (real[b].length != time)
        throw new IllegalArgumentException(
            "real must say it of %d tokens, says it of %d".formatted(time, real[b].length));
      int count = 0;
      for (int t = 0; t < time; t++)
        if (real[b][t]) count++;
        else hidden[b * time + t] = 1;
      if (count == 0) throw new IllegalArgumentException("text %d has no real token".formatted(b));
    }
    return Tensor.ofShared(hidden, batch, 1, 1, time);
  }

  private Tensor attention(String name, Tensor x, Tensor hidden) {
    Tensor q = Weights.heads(linear(name + ".self.query").apply(x), config.heads());
    Tensor k = Weights.heads(linear(name + ".self.key").apply(x), config.heads());
    Tensor v = Weights.heads(linear(name + ".self.value").apply(x), config.heads());
    Tensor mixed =
        ScaledDotProduct.of(config.hiddenSize() / config.heads()).apply(q, k, v, hidden).output();
    return linear(name + ".output.dense").apply(Weights.joined(mixed));
  }

  private Tensor feedForward(String name, Tensor x) {
    return new FeedForward(
            config.activation(),
            linear(name + ".intermediate.dense"),
            linear(name + ".output.dense"))
        .apply(x);
  }

  private Tensor head(Tensor x) {
    String name = "cls.predictions";
    Tensor wide = linear(name + ".transform.dense").apply(x);
    Tensor h = norm(name + ".transform", config.activation().apply(wide));
    Embedding words =
        table(config.tiedEmbeddings() ? "bert.embeddings.word_embeddings" : name + ".decoder");
    return words.logits(h).add(weights.get(name + ".bias"));
  }

  private Embedding table(String name) {
    return new Embedding(weights.get(name + ".weight"));
  }

  private Tensor norm(String name, Tensor x) {
    return Weights.layerNorm(weights, name + ".LayerNorm", config.epsilon(), x);
  }

  private Linear linear(String name) {
    return Weights.linear(weights, name);
  }
}
