package lemma.docs.markdown;

import org.commonmark.node.CustomBlock;

/// A formula on lines of its own: `$$…$$`.
public final class DisplayMath extends CustomBlock {
  private String latex = "";

  DisplayMath() {}

  void setLatex(String latex) {
    this.latex = latex;
  }

  public String latex() {
    return latex;
  }

  /// The same for readers without LaTeX: `x₀/√d`.
  public String plain() {
    return PlainMath.of(latex);
  }
}
