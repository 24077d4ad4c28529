package lemma.docs.command;

/// What the launcher found out about the terminal.
final class Terminal {
  static final String DRAWABLE = "lemma.drawable";
  private static final String STYLED = "lemma.styled";

  private Terminal() {}

  /// Whether stdout is a terminal that wants bold and colour.
  static boolean styled() {
    return Boolean.getBoolean(STYLED) && System.getenv("NO_COLOR") == null;
  }

  /// Whether stderr is a terminal on which progress can be drawn.
  static boolean drawable() {
    return Boolean.getBoolean(DRAWABLE);
  }

  static String bold(String text) {
    return styled() ? "\u001b[1m" + text + "\u001b[0m" : text;
  }

  static String dim(String text) {
    return styled() ? "\u001b[2m" + text + "\u001b[0m" : text;
  }

  /// A verdict in its colour: green when proven, red when failed.
  static String verdict(String verdict) {
    if (!styled()) return verdict;
    String colour =
        switch (verdict) {
          case "proven" -> "32";
          case "failed" -> "31";
          default -> "33";
        };
    return "\u001b[" + colour + "m" + verdict + "\u001b[0m";
  }
}
