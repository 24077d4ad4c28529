package lemma.core.format;

import java.nio.file.Path;

/// A file that is not what it should be: cut off, damaged, hostile or of an unknown kind.
///
/// The message is one line, `file: what is wrong`, whatever the file holds.
public final class FormatException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;
  private static final int LONGEST = 400;

  public FormatException(Path file, String problem) {
    super(printable(file + ": " + problem));
  }

  public FormatException(Path file, String problem, Throwable cause) {
    super(printable(file + ": " + problem), cause);
  }

  /// Names inside of a file may hold anything: control characters become `�`, and what is very long
  /// is cut.
  private static String printable(String text) {
    String line = text.length() <= LONGEST ? text : text.substring(0, LONGEST) + "…";
    return line.codePoints()
        .map(c -> Character.isISOControl(c) || c == 0x2028 || c == 0x2029 ? '�' : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }
}
