package lemma.sampling.generate;

import java.util.Set;
import java.util.random.RandomGenerator;
import lemma.sampling.constrain.Constraint;
import lemma.sampling.constrain.ConstraintRun;
import lemma.sampling.constrain.TokenTrie;
import lemma.sampling.filter.LogitsProcessor;

/// A link of the chain that remembers something of its text, or draws numbers of its own: it is
/// opened once for each text.
@FunctionalInterface
public interface TextLink {

  /// The link of one text.
  ///
  /// @param promptLength tokens of the history in front of what is generated
  /// @param random the generator of this text
  LogitsProcessor open(int promptLength, RandomGenerator random);

  /// A link that is the same for every text.
  static TextLink of(LogitsProcessor link) {
    return (_, _) -> link;
  }

  /// Lets every text be one that `constraint` accepts, see
  /// [lemma.sampling.constrain.ConstrainedDecoding].
  ///
  /// @param vocabulary the model's tokens, prepared once
  /// @param endTokens the tokens that end a text
  static TextLink of(Constraint constraint, TokenTrie vocabulary, Set<Integer> endTokens) {
    return (promptLength, _) ->
        new ConstrainedText(ConstraintRun.of(constraint, vocabulary, endTokens), promptLength);
  }
}
