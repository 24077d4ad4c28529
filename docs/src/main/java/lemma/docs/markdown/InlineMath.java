package lemma.docs.markdown;

import org.commonmark.node.CustomNode;

/// A formula within a line: `$…$`, or `$$…$$` amid text.
public final class InlineMath extends CustomNode {
  private final String latex;
  private final boolean display;

  InlineMath(String latex, boolean display) {
    this.latex = latex;
    this.display = display;
  }

  public String latex() {
    return latex;
  }

  /// The same for readers without LaTeX: `x₀/√d`.
  public String plain() {
    return PlainMath.of(latex);
  }

  /// Whether it asks for a line of its own.
  public boolean display() {
    return display;
  }
}
