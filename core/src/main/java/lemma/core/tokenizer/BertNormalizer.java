package lemma.core.tokenizer;

import java.util.Locale;

/// BERT's normalisation: no controls, every space a space, Chinese characters as words of their own,
/// and, for models that know no capitals, lower case without accents.
///
/// Devlin et al. 2019, arXiv:1810.04805; google-research/bert, `tokenization.py`. Answer:
/// `tokenizer/wordpiece.md`.
///
/// @param cleanText whether controls go and spaces of all kinds become U+0020
/// @param handleChinese whether spaces are put around Chinese characters
/// @param stripAccents whether a text is decomposed and loses its non-spacing marks
public record BertNormalizer(
    boolean cleanText, boolean handleChinese, boolean stripAccents, boolean lowercase)
    implements Normalizer {

  /// As `bert-base-uncased` has it.
  public static BertNormalizer uncased() {
    return new BertNormalizer(true, true, true, true);
  }

  @Override
  public AlignedText apply(AlignedText text) {
    AlignedText result = text;
    if (cleanText)
      result =
          result
              .filter(c -> c != 0 && c != 0xFFFD && !control(c))
              .map(c -> CharacterClass.whiteSpace(c) ? ' ' : c);
    if (handleChinese)
      result =
          result.expand(c ->
              CharacterClass.chinese(c)
                  ? " " + Character.toString(c) + " "
                  : Character.toString(c));
    if (stripAccents)
      result = UnicodeForm.NFD.apply(result).filter(c -> !CharacterClass.nonSpacingMark(c));
    if (lowercase) result = result.expand(c -> Character.toString(c).toLowerCase(Locale.ROOT));
    return result;
  }

  private static boolean control(int c) {
    return c != '\t' && c != '\n' && c != '\r' && CharacterClass.other(c);
  }
}
