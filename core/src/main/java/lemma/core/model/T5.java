package lemma.core.model;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.activation.Activation;
import lemma.core.attention.AttentionMask;
import lemma.core.attention.ScaledDotProduct;
import lemma.core.feedforward.FeedForward;
import lemma.core.feedforward.GluFfn;
import lemma.core.feedforward.Linear;
import lemma.core.format.FormatException;
import lemma.core.position.RelativeBias;
import lemma.core.tensor.Tensor;

/// T5 and T5 v1.1: an encoder reads the input in both directions, a decoder writes the output token
/// by token and looks at all of the input in every layer.
///
/// ```
/// n = RMSNorm(x)                                              before each part
/// encoder:  x ← x + Attention(n, n);  x ← x + FFN(n)
/// decoder:  x ← x + Attention(n, n), causal;  x ← x + Attention(n, encoded);  x ← x + FFN(n)
/// Attention(n, m) = W_O·softmax(W_Q n·(W_K m)ᵀ + bias)·W_V m
/// FFN(n) = W_o·relu(W_i n)                                    v1.1: W_o·(gelu(W₀n) ⊙ W₁n)
/// logits = E·RMSNorm(x)/√hiddenSize                           v1.1: W·RMSNorm(x)
/// ```
///
/// | symbol | shape | |
/// |---|---|---|
/// | `input`, `output` | `[batch, time]` | ids; the decoder reads a start token first |
/// | `encoded` | `[batch, inputTime, hiddenSize]` | |
/// | `bias` | `[heads, queries, keys]` | by distance, one table for each stack; none between the stacks |
///
/// No score is divided by √headDim: the initial W_Q is that much smaller instead. There are no
/// biases and no position embeddings.
///
/// Raffel et al. 2020, section 2.1, arXiv:1910.10683; Shazeer 2020 for the gate, arXiv:2002.05202.
/// Answer: `model/architectures.md`.
public record T5(T5Config config, Map<String, Tensor> weights) {
  private static final ScaledDotProduct UNSCALED =
      new ScaledDotProduct(1, Double.POSITIVE_INFINITY);

  /// Keeps the order of `weights`, and the tensors themselves.
  ///
  /// @throws IllegalArgumentException if a weight is missing, unknown or has another shape than
  ///     [T5Config#weightShapes] says
  public T5 {
    weights = Weights.checked(weights, config.weightShapes());
  }

  /// As published: every matrix keeps the variance of its input, W_Q alone is smaller by √headDim;
  /// the table has variance 1. All are parameters.
  public static T5 initialise(T5Config config, RandomGenerator random) {
    double width = 1 / Math.sqrt(config.hiddenSize());
    double inner = 1 / Math.sqrt((double) config.heads() * config.headDim());
    return new T5(
        config,
        Weights.initialise(
            config.weightShapes(),
            name -> {
              String[] parts = name.split("\\.");
              return switch (parts[parts.length - 2]) {
                case "shared", "lm_head" -> 1;
                case "q" -> width / Math.sqrt(config.headDim());
                case "o" -> inner;
                case "wo" -> 1 / Math.sqrt(config.intermediateSize());
                default -> width;
              };
            },
            random));
  }

  /// Reads a checkpoint; every weight is a constant.
  ///
  /// @throws FormatException if a file is missing, damaged or does not fit the configuration
  public static T5 load(Path path) throws IOException {
    var checkpoint = ModelCheckpoint.open(path, T5Config.class);
    return new T5(checkpoint.config(), Weights.load(checkpoint));
  }

  /// The same model with every weight as a parameter.
  public T5 trainable() {
    return new T5(config, Weights.trainable(weights));
  }

  /// The logits of every position of `output`, `[batch, time, vocabularySize]`; the first token of
  /// each of its texts is the start token.
  ///
  /// @throws IllegalArgumentException if there is no token, the rows of one of the two differ in
  ///     length, the two have different numbers of texts or a token is outside the vocabulary
  public Tensor forward(int[][] input, int[][] output) {
    if (input.length != output.length)
      throw new IllegalArgumentException(
          "input and output must be as many texts, were %d and %d"
              .formatted(input.length, output.length));
    return head(decode(output, new Past(config.decoderLayers()), seen(encode(input))));
  }

  /// What the decoder looks at, `[batch, time, hiddenSize]`.
  ///
  /// @throws IllegalArgumentException if there is no token, the rows differ in length or a token is
  ///     outside the vocabulary
  public Tensor encode(int[][] input) {
    Tensor x = embedding().lookUp(input);
    int time = x.size(1);
    Tensor bias = bias("encoder", true, time, 0);
    Tensor hidden = new AttentionMask.Bidirectional().hidden(time, time, 0);
    for (int block = 0; block < config.encoderLayers(); block++) {
      String name = "encoder.block." + block + ".layer.";
      String attention = name + "0.SelfAttention";
      Tensor n = norm(name + "0.layer_norm", x);
      Tensor k = heads(attention + ".k", n);
      Tensor v = heads(attention + ".v", n);
      x = x.add(attention(attention, n, k, v, hidden, bias));
      x = x.add(feedForward(name + "1", x));
    }
    return norm("encoder.final_layer_norm", x);
  }

  /// The model of the output to one input, P(yₜ | y₀ … yₜ₋₁, input): the input is encoded here, once.
  ///
  /// A session's first token should be the start token.
  ///
  /// @throws IllegalArgumentException if there is no token or one is outside the vocabulary
  public LanguageModel given(int... input) {
    return new Given(this, seen(encode(new int[][] {input})));
  }

  private record Given(T5 model, Past seen) implements LanguageModel {
    @Override
    public int vocabularySize() {
      return model.config.vocabularySize();
    }

    @Override
    public int contextLength() {
      return model.config.contextLength();
    }

    @Override
    public Session open() {
      return new FormulaSession(
          vocabularySize(), model.config.decoderLayers(), this::states, model::head);
    }

    private Tensor states(int[] tokens, Past past) {
      Checks.fits(tokens.length, past.length(), contextLength());
      return model.decode(new int[][] {tokens}, past, seen);
    }
  }

  /// Keys and values of the input in each layer of the decoder: they do not grow with the output.
  Past seen(Tensor encoded) {
    Past seen = new Past(config.decoderLayers());
    for (int block = 0; block < config.decoderLayers(); block++) {
      String attention = "decoder.block." + block + ".layer.1.EncDecAttention";
      seen.append(block, heads(attention + ".k", encoded), heads(attention + ".v", encoded));
    }
    return seen;
  }

  /// The decoder's last states for tokens that follow those of `past`, which grows by them.
  Tensor decode(int[][] output, Past past, Past seen) {
    Tensor x = embedding().lookUp(output);
    int time = x.size(1);
    int start = past.length();
    Tensor bias = bias("decoder", false, time, start);
    Tensor future = new AttentionMask.Causal().hidden(time, start + time, start);
    Tensor none = Tensor.zeros(1, 1);
    for (int block = 0; block < config.decoderLayers(); block++) {
      String name = "decoder.block." + block + ".layer.";
      String own = name + "0.SelfAttention";
      Tensor n = norm(name + "0.layer_norm", x);
      past.append(block, heads(own + ".k", n), heads(own + ".v", n));
      x = x.add(attention(own, n, past.keys(block), past.values(block), future, bias));
      Tensor m = norm(name + "1.layer_norm", x);
      String cross = name + "1.EncDecAttention";
      x = x.add(attention(cross, m, seen.keys(block), seen.values(block), none, none));
      x = x.add(feedForward(name + "2", x));
    }
    return norm("decoder.final_layer_norm", x);
  }

  private Tensor attention(String name, Tensor x, Tensor k, Tensor v, Tensor hidden, Tensor bias) {
    Tensor mixed = UNSCALED.apply(heads(name + ".q", x), k, v, hidden, bias).output();
    return linear(name + ".o").apply(Weights.joined(mixed));
  }

  private Tensor bias(String stack, boolean bidirectional, int queries, int offset) {
    Tensor table =
        weights.get(stack + ".block.0.layer.0.SelfAttention.relative_attention_bias.weight");
    return new RelativeBias(bidirectional, config.buckets(), config.maxDistance())
        .bias(table, queries, offset + queries, offset);
  }

  private Tensor feedForward(String layer, Tensor x) {
    String name = layer + ".DenseReluDense.";
    Activation f = config.activation();
    Tensor n = norm(layer + ".layer_norm", x);
    return config.gated()
        ? new GluFfn(f, linear(name + "wi_0"), linear(name + "wi_1"), linear(name + "wo")).apply(n)
        : new FeedForward(f, linear(name + "wi"), linear(name + "wo")).apply(n);
  }

  Tensor head(Tensor x) {
    return config.tiedEmbeddings()
        ? embedding().logits(x.div(Math.sqrt(config.hiddenSize())))
        : linear("lm_head").apply(x);
  }

  private Embedding embedding() {
    return new Embedding(weights.get("shared.weight"));
  }

  private Tensor heads(String name, Tensor x) {
    return Weights.heads(linear(name).apply(x), config.heads());
  }

  private Tensor norm(String name, Tensor x) {
    return Weights.rmsNorm(weights, name, config.epsilon(), x);
  }

  private Linear linear(String name) {
    return Weights.linear(weights, name);
  }
}
