package lemma.docs.answer;

/// A piece of a source file.
///
/// @param path the file, from the project's root
/// @param firstLine line of its first character, from 1
/// @param code the lines, moved to the left margin
public record Excerpt(String path, int firstLine, String code) {

  /// `core/src/main/java/lemma/core/norm/RmsNorm.java:47`.
  public String place() {
    return path + ":" + firstLine;
  }
}
