package lemma.core.accounting;

import lemma.core.model.BertConfig;
import lemma.core.model.DecoderConfig;
import lemma.core.model.Gpt2Config;
import lemma.core.model.LlamaConfig;
import lemma.core.model.ModelConfig;
import lemma.core.model.T5Config;

/// Floating-point operations of a transformer; a multiply-add is two.
///
/// ```
/// forward of a token  = 2·N + 4·layers·context·heads·headDim       training = 3 × forward
/// forward of D tokens ≈ 2·N·D                                       training ≈ 6·N·D
/// ```
///
/// N counts the weights that a token is multiplied by: those of the experts that it is sent to, and
/// the head, but not the embedding, whose row is only looked up. (In the rule of thumb N is simply
/// the number of parameters.) The second term is q·k and weights·v for every position before: it
/// passes the first where the context exceeds about 6·d.
///
/// Kaplan et al. 2020, section 2.1, arXiv:2001.08361. Answer: `model/memory-estimate.md`.
///
/// @param multiplied N
/// @param perPosition operations for each token of context
public record ComputeCost(long multiplied, long perPosition) {

  /// Of a decoder or an encoder.
  ///
  /// @throws IllegalArgumentException if it is both, where a token passes through one of two stacks
  public static ComputeCost of(ModelConfig config) {
    ParameterCount count = ParameterCount.of(config);
    long lookedUp = count.of(ParameterCount.EMBEDDING) + count.of(ParameterCount.POSITIONS);
    long inside = count.active() - lookedUp;
    return switch (config) {
      case LlamaConfig c -> of(c, inside, c.variant().tiedEmbeddings());
      case Gpt2Config c -> of(c, inside, c.tiedEmbeddings());
      case BertConfig c ->
          new ComputeCost(
              inside + (c.tiedEmbeddings() ? (long) c.vocabularySize() * c.hiddenSize() : 0),
              4L * c.layers() * c.hiddenSize());
      case T5Config _ ->
          throw new IllegalArgumentException(
              "a token of T5 passes through one of its two stacks: count them one by one");
    };
  }

  /// A tied head is multiplied by, though it is counted as the embedding.
  private static ComputeCost of(DecoderConfig c, long inside, boolean tied) {
    return new ComputeCost(
        inside + (tied ? (long) c.vocabularySize() * c.hiddenSize() : 0),
        4L * c.layers() * c.heads() * c.headDim());
  }

  /// One more token behind `context` others.
  ///
  /// @throws IllegalArgumentException if `context` is negative
  public double forward(long context) {
    if (context < 0)
      throw new IllegalArgumentException("context must be 0 or more, was " + context);
    return 2.0 * multiplied + (double) perPosition * context;
  }

  /// The same with its backward pass, which is two products for each of the forward pass.
  public double training(long context) {
    return 3 * forward(context);
  }

  /// 2·N·D.
  public static double forwardRule(double parameters, double tokens) {
    return 2 * parameters * tokens;
  }

  /// 6·N·D.
  public static double trainingRule(double parameters, double tokens) {
    return 6 * parameters * tokens;
  }
}
