package lemma.sampling.generate;

import java.util.List;

/// A finished generation.
///
/// @param tokens every token generated, an end token or the tokens of a stop sequence included
/// @param logProbabilities ln P of each token in the model's own distribution; empty if not asked
/// @param alternatives the likeliest tokens of each step; empty if not asked
/// @param text the text up to the end token or the stop sequence; empty if tokens have no bytes
/// @param finishReason why it ended
public record Generation(
    int[] tokens,
    double[] logProbabilities,
    List<List<TokenScore>> alternatives,
    String text,
    FinishReason finishReason) {}
