/// The part of the Jinja template language that chat templates are written in.
///
/// A template comes with a checkpoint, from a stranger: it is interpreted, and can reach nothing but
/// the values that it is given. Work, depth and output are bounded.
///
/// | type | what it is |
/// |---|---|
/// | [Template] | a parsed template, to be rendered |
/// | [TemplateException] | what is wrong, and in which line |
/// | [Lexer] | text and tags, tags into words, white space as Jinja strips it |
/// | [StatementParser], [ExpressionParser] | words into [Statement] and [Expression] |
/// | [Renderer], [Evaluator] | what these do and give |
/// | [Operators], [Filters], [Predicates], [Methods] | the operations of Python that templates use |
/// | [Values], [PythonText] | values, and how Python and its JSON write them |
///
/// Read them in this order.
package lemma.core.jinja;
