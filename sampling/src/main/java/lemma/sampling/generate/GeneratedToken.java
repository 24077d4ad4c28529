package lemma.sampling.generate;

import java.util.List;

/// One step of a generation.
///
/// @param token the token
/// @param logProbability ln P of the token in the model's own distribution, before any filter; NaN
///     if it was not asked for
/// @param alternatives the likeliest tokens of the step, falling, equals by rising id; whether the
///     token is among them is left to chance
/// @param text what this token makes safe to show: complete characters that cannot belong to a stop
///     sequence, so it may be empty, or more than the token itself
public record GeneratedToken(
    int token, double logProbability, List<TokenScore> alternatives, String text) {}
