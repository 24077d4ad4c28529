package lemma.core.jinja;

/// A template that cannot be understood, or that went wrong or refused its input when rendered.
public final class TemplateException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  private final int line;

  TemplateException(int line, String message) {
    super("template line " + line + ": " + message);
    this.line = line;
  }

  /// The line of the template, from 1.
  public int line() {
    return line;
  }
}
