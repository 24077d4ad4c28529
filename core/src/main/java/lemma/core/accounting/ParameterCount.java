package lemma.core.accounting;

import java.util.ArrayList;
import java.util.List;
import lemma.core.model.BertConfig;
import lemma.core.model.Gpt2Config;
import lemma.core.model.LlamaConfig;
import lemma.core.model.ModelConfig;
import lemma.core.model.T5Config;

/// The parameters of a transformer by part, by formula.
///
/// | part | Llama family | GPT-2, BERT |
/// |---|---|---|
/// | token embedding | V·d | V·d |
/// | positions | | n·d |
/// | attention of a layer | 2·d·(h + g)·k | 4·d² + 4·d |
/// | feed-forward of a layer | 3·d·f | 2·d·f + f + d |
/// | norms of a layer | 2·d | 4·d |
/// | head | V·d, or 0 if tied | the same |
///
/// V is the vocabulary, d the hidden size, h and g the heads of queries and of keys and values, k the
/// size of a head, f the intermediate size, n the positions. What Qwen, Mixtral and T5 add is in the
/// code.
///
/// Answer: `model/parameter-count.md`.
public record ParameterCount(List<Part> parts) {

  /// A part that occurs `times` times with `each` parameters, of which a token uses `active`.
  public record Part(String name, long each, long active, int times) {
    Part(String name, long each, int times) {
      this(name, each, each, times);
    }

    public long total() {
      return Math.multiplyExact(each, times);
    }
  }

  public static final String EMBEDDING = "token embedding";
  public static final String POSITIONS = "positions";
  public static final String ATTENTION = "attention";
  public static final String FEED_FORWARD = "feed-forward";
  public static final String NORMS = "norms";
  public static final String FINAL = "final norm";
  public static final String HEAD = "head";

  public ParameterCount {
    parts = List.copyOf(parts);
  }

  /// Of any family that is understood.
  public static ParameterCount of(ModelConfig config) {
    return new ParameterCount(
        switch (config) {
          case LlamaConfig llama -> llama(llama);
          case Gpt2Config gpt2 -> gpt2(gpt2);
          case BertConfig bert -> bert(bert);
          case T5Config t5 -> t5(t5);
        });
  }

  private static List<Part> llama(LlamaConfig c) {
    LlamaConfig.Variant v = c.variant();
    long d = c.hiddenSize();
    long q = (long) c.heads() * c.headDim();
    long kv = 2L * c.keyValueHeads() * c.headDim();
    long attention = d * (q + kv) + q * d; // W_Q, W_K, W_V and W_O
    if (v.queryKeyValueBias()) attention += q + kv;
    if (v.outputBias()) attention += d;
    if (v.queryKeyNorm()) attention += 2L * c.headDim();
    long f = c.intermediateSize();
    long expert = 3 * d * f + (v.feedForwardBias() ? 2 * f + d : 0); // gate, up and down
    long router = c.experts() * d;
    long all = router + Math.max(1, c.experts()) * expert;
    long used = router + Math.max(1, c.expertsPerToken()) * expert;
    return List.of(
        new Part(EMBEDDING, c.vocabularySize() * d, 1),
        new Part(ATTENTION, attention, c.layers()),
        new Part(FEED_FORWARD, all, used, c.layers()),
        new Part(NORMS, 2 * d, c.layers()),
        new Part(FINAL, d, 1),
        head(v.tiedEmbeddings(), c.vocabularySize() * d));
  }

  private static Part head(boolean tied, long matrix) {
    return new Part(HEAD, tied ? 0 : matrix, 1);
  }

  private static List<Part> gpt2(Gpt2Config c) {
    long d = c.hiddenSize();
    long f = c.intermediateSize();
    return List.of(
        new Part(EMBEDDING, c.vocabularySize() * d, 1),
        new Part(POSITIONS, c.contextLength() * d, 1),
        new Part(ATTENTION, 4 * d * d + 4 * d, c.layers()),
        new Part(FEED_FORWARD, 2 * d * f + f + d, c.layers()),
        new Part(NORMS, 4 * d, c.layers()), // two, with gain and bias
        new Part(FINAL, 2 * d, 1),
        head(c.tiedEmbeddings(), c.vocabularySize() * d));
  }

  /// With the head of masked language modelling: a layer, a norm, and a bias for each token.
  private static List<Part> bert(BertConfig c) {
    long d = c.hiddenSize();
    long f = c.intermediateSize();
    long transform = d * d + d + 2 * d + c.vocabularySize();
    return List.of(
        new Part(EMBEDDING, c.vocabularySize() * d, 1),
        new Part(POSITIONS, (c.contextLength() + c.segments()) * d, 1),
        new Part("embedding norm", 2 * d, 1),
        new Part(ATTENTION, 4 * d * d + 4 * d, c.layers()),
        new Part(FEED_FORWARD, 2 * d * f + f + d, c.layers()),
        new Part(NORMS, 4 * d, c.layers()),
        new Part(HEAD, transform + (c.tiedEmbeddings() ? 0 : c.vocabularySize() * d), 1));
  }

  /// No biases; a layer of the decoder has two attentions and three norms.
  private static List<Part> t5(T5Config c) {
    long d = c.hiddenSize();
    long attention = 4 * d * c.heads() * c.headDim();
    long feedForward = (c.gated() ? 3 : 2) * d * c.intermediateSize();
    List<Part> parts = new ArrayList<>();
    parts.add(new Part(EMBEDDING, c.vocabularySize() * d, 1));
    parts.add(new Part(POSITIONS, (long) c.buckets() * c.heads(), 2)); // one bias table a stack
    parts.add(new Part("encoder " + ATTENTION, attention, c.encoderLayers()));
    parts.add(new Part("encoder " + FEED_FORWARD, feedForward, c.encoderLayers()));
    parts.add(new Part("encoder " + NORMS, 2 * d, c.encoderLayers()));
    parts.add(new Part("decoder " + ATTENTION, 2 * attention, c.decoderLayers()));
    parts.add(new Part("decoder " + FEED_FORWARD, feedForward, c.decoderLayers()));
    parts.add(new Part("decoder " + NORMS, 3 * d, c.decoderLayers()));
    parts.add(new Part(FINAL, d, 2));
    parts.add(head(c.tiedEmbeddings(), c.vocabularySize() * d));
    return parts;
  }

  /// The parameters of a model that is walked weight by weight, as a check of the formula.
  public static long walk(ModelConfig config) {
    return config.weightShapes().values().stream().mapToLong(ParameterCount::size).sum();
  }

  private static long size(int[] shape) {
    long size = 1;
    for (int axis : shape) size = Math.multiplyExact(size, axis);
    return size;
  }

  /// All parameters; a table that serves as embedding and head counts once.
  public long total() {
    return parts.stream().mapToLong(Part::total).sum();
  }

  /// The parameters that take part in one token: all but those of experts it is not sent to.
  public long active() {
    return parts.stream().mapToLong(part -> part.active * part.times).sum();
  }

  /// The parameters of all parts whose name ends like this.
  public long of(String name) {
    return parts.stream().filter(part -> part.name.endsWith(name)).mapToLong(Part::total).sum();
  }

  /// The parameters of one layer of a model whose layers are alike.
  public long perLayer() {
    return parts.stream()
        .filter(part -> List.of(ATTENTION, FEED_FORWARD, NORMS).contains(part.name))
        .mapToLong(Part::each)
        .sum();
  }

  /// 12·layers·d²: the rule of thumb for multi-head attention and two matrices of 4·d, without
  /// embeddings, norms and biases.
  public static long ruleOfThumb(int layers, int hiddenSize) {
    return Math.multiplyExact(12L * layers, Math.multiplyExact((long) hiddenSize, hiddenSize));
  }
}
