/// Markdown as the answers use it: tables, formulas between dollars, and fences that are filled in.
///
/// [Markdown] parses; [InlineMath] and [DisplayMath] keep LaTeX intact, and can say it in plain text; [Directive]
/// says what a
/// fence asks for.
package lemma.docs.markdown;
