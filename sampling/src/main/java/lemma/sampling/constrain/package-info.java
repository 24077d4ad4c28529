/// Constraints: texts that a regular expression, a JSON schema or a grammar accepts, and nothing
/// else.
///
/// | to read first | for |
/// |---|---|
/// | [ConstrainedDecoding] | the formula |
/// | [Constraint] | the three notations |
/// | [ConstraintRun], [TokenMask] | the step: which tokens may come next |
/// | [Network] | what the notations are compiled to |
/// | [TokenTrie] | the vocabulary, as the walk sees it |
package lemma.sampling.constrain;
