package lemma.core.tokenizer;

import java.util.Optional;
import lemma.core.tokenizer.PrecompiledCharsMap.Replacement;

/// What SentencePiece does to a text before it is split: rules for characters, and the treatment of
/// spaces, which are characters like others from then on.
///
/// ```
/// " Hello   world " → "▁Hello▁world"
/// ```
///
/// Answer: `tokenizer/sentencepiece.md`.
///
/// @param name of the rules: `identity`, `nmt_nfkc`, …
/// @param map the rules; none for `identity`
/// @param addDummyPrefix whether a space is put in front, so that the first word of a text is spelled
///     like all others
/// @param removeExtraWhitespaces whether spaces at both ends go, and only one of several stays
/// @param escapeWhitespaces whether a space is written `▁`
/// @param treatWhitespaceAsSuffix whether the space of `addDummyPrefix` is put behind instead
public record SentencePieceNormaliser(
    String name,
    Optional<PrecompiledCharsMap> map,
    boolean addDummyPrefix,
    boolean removeExtraWhitespaces,
    boolean escapeWhitespaces,
    boolean treatWhitespaceAsSuffix) {

  /// Only spaces are treated, as is SentencePiece's default; no rules.
  public static SentencePieceNormaliser identity() {
    return new SentencePieceNormaliser("identity", Optional.empty(), true, true, true, false);
  }

  /// Other rules, the same treatment of spaces.
  public SentencePieceNormaliser withMap(String newName, PrecompiledCharsMap newMap) {
    return new SentencePieceNormaliser(
        newName,
        Optional.of(newMap),
        addDummyPrefix,
        removeExtraWhitespaces,
        escapeWhitespaces,
        treatWhitespaceAsSuffix);
  }

  /// Whether spaces at both ends go, and only one of several stays.
  public SentencePieceNormaliser withRemoveExtraWhitespaces(boolean newValue) {
    return new SentencePieceNormaliser(
        name, map, addDummyPrefix, newValue, escapeWhitespaces, treatWhitespaceAsSuffix);
  }

  public AlignedText apply(String text) {
    return apply(text, new PieceTrie());
  }

  /// @param kept texts that pass through unchanged wherever they stand: user-defined pieces
  AlignedText apply(String text, PieceTrie kept) {
    var edit = new AlignedText.Edit(text.length() + 1);
    int at = 0;
    while (removeExtraWhitespaces && at < text.length()) {
      Replacement first = replacement(text, at, kept);
      if (!first.text().equals(" ")) break;
      at = first.end();
    }
    if (at == text.length()) return edit.done(); // nothing but spaces: no dummy prefix either
    if (addDummyPrefix && !treatWhitespaceAsSuffix) edit.add(space(), at, at);
    boolean afterSpace = removeExtraWhitespaces;
    for (; at < text.length(); ) {
      Replacement next = replacement(text, at, kept);
      String added = afterSpace ? next.text().replaceFirst("^ +", "") : next.text();
      edit.add(added.replace(" ", space()), at, next.end());
      if (!added.isEmpty()) afterSpace = removeExtraWhitespaces && added.endsWith(" ");
      at = next.end();
    }
    AlignedText result = edit.done();
    int length = result.text().length();
    while (removeExtraWhitespaces && length > 0 && result.text().startsWith(space(), length - 1))
      length--;
    result = result.slice(0, length);
    return addDummyPrefix && treatWhitespaceAsSuffix ? withSuffix(result, text.length()) : result;
  }

  private AlignedText withSuffix(AlignedText text, int end) {
    var edit = new AlignedText.Edit(text.text().length() + 1);
    edit.copy(text, 0, text.text().length());
    edit.add(space(), end, end);
    return edit.done();
  }

  private String space() {
    return escapeWhitespaces ? String.valueOf(SentencePiece.SPACE) : " ";
  }

  private Replacement replacement(String text, int at, PieceTrie kept) {
    int end = kept.longestMatch(text, at);
    if (end != PieceTrie.NONE) return new Replacement(text.substring(at, end), end);
    return map.isPresent() ? map.get().rule(text, at) : PrecompiledCharsMap.itself(text, at);
  }
}
