package lemma.core.tokenizer;

import java.util.List;

/// Spaces as a character of their own, `▁`, that stays on the word behind it.
///
/// @param replacement what stands for a space
/// @param split whether the text is cut in front of each
public record Metaspace(String replacement, Prepending prepending, boolean split)
    implements PreTokenizer {
  private static final TextPattern SPACE = TextPattern.literal(" ");

  /// Whether a text that begins without a space gets one.
  public enum Prepending {
    ALWAYS,
    /// At the beginning of the whole text only, not behind an added token.
    FIRST,
    NEVER
  }

  /// @throws IllegalArgumentException if the replacement is not one character
  public Metaspace {
    if (replacement.codePointCount(0, replacement.length()) != 1)
      throw new IllegalArgumentException(
          "replacement must be one character, was \"%s\"".formatted(replacement));
  }

  @Override
  public List<AlignedText> split(AlignedText text) {
    AlignedText written = text.replace(SPACE, replacement);
    boolean begin =
        switch (prepending) {
          case ALWAYS -> true;
          case FIRST -> !written.isEmpty() && written.start(0) == 0;
          case NEVER -> false;
        };
    if (begin && !written.text().startsWith(replacement)) written = written.prepend(replacement);
    return split
        ? SplitBehaviour.MERGED_WITH_NEXT.split(
            written, TextPattern.literal(replacement).cuts(written.text()))
        : new PreTokenizer.None().split(written);
  }
}
