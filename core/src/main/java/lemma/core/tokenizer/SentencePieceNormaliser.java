package lemma.core.tokenizer;

import java.util.Optional;

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

  public Normalised apply(String text) {
    return apply(text, new PieceTrie());
  }

  /// @param kept texts that pass through unchanged wherever they stand: user-defined pieces
  Normalised apply(String text, PieceTrie kept) {
    var result = new Normalised.Builder();
    int at = 0;
    if (removeExtraWhitespaces)
      for (; at < text.length(); ) {
        PrecompiledCharsMap.Replacement first = replacement(text, at, kept);
        if (!first.text().equals(" ")) break;
        at = first.end();
      }
    if (at == text.length()) return result.build(); // nothing but spaces: no dummy prefix either
    if (addDummyPrefix && !treatWhitespaceAsSuffix) result.add(space(), at, at);
    boolean afterSpace = removeExtraWhitespaces;
    while (at < text.length()) {
      PrecompiledCharsMap.Replacement next = replacement(text, at, kept);
      String added = next.text();
      if (afterSpace) added = added.replaceFirst("^ +", "");
      if (!added.isEmpty()) {
        result.add(
            escapeWhitespaces ? added.replace(' ', SentencePiece.SPACE) : added, at, next.end());
        afterSpace = removeExtraWhitespaces && added.endsWith(" ");
      }
      at = next.end();
    }
    if (removeExtraWhitespaces) while (result.endsWith(space().charAt(0))) result.removeLast();
    if (addDummyPrefix && treatWhitespaceAsSuffix) result.add(space(), at, at);
    return result.build();
  }

  private String space() {
    return escapeWhitespaces ? String.valueOf(SentencePiece.SPACE) : " ";
  }

  private PrecompiledCharsMap.Replacement replacement(String text, int at, PieceTrie kept) {
    int end = kept.longestMatch(text, at);
    if (end != PieceTrie.NONE)
      return new PrecompiledCharsMap.Replacement(text.substring(at, end), end);
    return map.isPresent() ? map.get().rule(text, at) : PrecompiledCharsMap.itself(text, at);
  }
}
