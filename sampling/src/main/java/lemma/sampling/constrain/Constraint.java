package lemma.sampling.constrain;

/// What a text must look like as a whole, in one of three notations. It is compiled once, never
/// changes, and serves any number of texts; a [ConstraintRun] follows one text through it.
///
/// | notation | answers | nests |
/// |---|---|---|
/// | [RegularExpression] | a finite automaton | no |
/// | [JsonSchema] | a grammar made of the schema | yes |
/// | [Grammar] | a grammar written by hand | yes |
///
/// Answer: `sampling/constrained-decoding.md`.
public sealed interface Constraint permits RegularExpression, JsonSchema, Grammar {

  /// The constraint as it was written.
  String source();

  /// The automaton that reads its texts.
  Network network();

  /// Texts that a regular expression matches from end to end.
  ///
  /// @throws IllegalArgumentException naming the construct and its position if it is not supported
  static Constraint regex(String pattern) {
    return RegularExpression.of(pattern);
  }

  /// JSON values that a schema accepts, written without white space.
  ///
  /// @throws IllegalArgumentException naming the keyword and its place if it is not supported
  static Constraint jsonSchema(String schema) {
    return JsonSchema.of(schema);
  }

  /// Texts that the rule `root` of a grammar derives.
  ///
  /// @throws IllegalArgumentException naming the rule or the line that is wrong
  static Constraint grammar(String rules) {
    return Grammar.of(rules);
  }
}
