package lemma.core.tokenizer;

import java.util.List;
import java.util.Locale;

/// The first step of a tokenizer: a text becomes one in which what means the same is written the
/// same. Spans keep pointing to the text as it was.
///
/// Each record is one `normalizer` of Hugging Face's `tokenizer.json`, by its name there.
public sealed interface Normalizer
    permits BertNormalizer,
        Normalizer.BaseLetters,
        Normalizer.ByteLevel,
        Normalizer.Lowercase,
        Normalizer.Nmt,
        Normalizer.None,
        Normalizer.Precompiled,
        Normalizer.Prepend,
        Normalizer.Replace,
        Normalizer.Sequence,
        Normalizer.Strip,
        Normalizer.StripAccents,
        UnicodeForm {

  AlignedText apply(AlignedText text);

  /// Leaves a text as it is.
  record None() implements Normalizer {
    @Override
    public AlignedText apply(AlignedText text) {
      return text;
    }
  }

  /// Each in turn.
  record Sequence(List<Normalizer> steps) implements Normalizer {
    public Sequence {
      steps = List.copyOf(steps);
    }

    @Override
    public AlignedText apply(AlignedText text) {
      AlignedText result = text;
      for (Normalizer step : steps) result = step.apply(result);
      return result;
    }
  }

  /// Every character in lower case by itself, whatever stands beside it: Σ at the end of a word
  /// becomes σ.
  record Lowercase() implements Normalizer {
    @Override
    public AlignedText apply(AlignedText text) {
      return text.expand(c -> Character.toString(c).toLowerCase(Locale.ROOT));
    }
  }

  /// Without combining marks; accents that are part of a letter need NFD or NFKD before.
  record StripAccents() implements Normalizer {
    @Override
    public AlignedText apply(AlignedText text) {
      return text.filter(c -> !CharacterClass.mark(c));
    }
  }

  /// Every character by itself as the first of its canonical decomposition: é as e. This is
  /// llama.cpp's way to lose accents, not one of Hugging Face's.
  record BaseLetters() implements Normalizer {
    @Override
    public AlignedText apply(AlignedText text) {
      return text.map(c ->
          c < 0xC0
              ? c
              : java.text.Normalizer.normalize(Character.toString(c), java.text.Normalizer.Form.NFD)
                  .codePointAt(0));
    }
  }

  /// Without white space at the ends.
  record Strip(boolean left, boolean right) implements Normalizer {
    @Override
    public AlignedText apply(AlignedText text) {
      String characters = text.text();
      int from = 0;
      int to = characters.length();
      while (left && from < to && CharacterClass.whiteSpace(characters.charAt(from))) from++;
      while (right && to > from && CharacterClass.whiteSpace(characters.charAt(to - 1))) to--;
      return text.slice(from, to);
    }
  }

  /// Every match replaced.
  record Replace(TextPattern pattern, String content) implements Normalizer {
    @Override
    public AlignedText apply(AlignedText text) {
      return text.replace(pattern, content);
    }
  }

  /// Characters in front of a text that is not empty.
  record Prepend(String front) implements Normalizer {
    @Override
    public AlignedText apply(AlignedText text) {
      return text.prepend(front);
    }
  }

  /// The map of a SentencePiece model, as Hugging Face applies it.
  record Precompiled(PrecompiledCharsMap map) implements Normalizer {
    @Override
    public AlignedText apply(AlignedText text) {
      return map.normaliseByGraphemes(text);
    }
  }

  /// Bytes as characters: [ByteAlphabet].
  record ByteLevel() implements Normalizer {
    @Override
    public AlignedText apply(AlignedText text) {
      return text.expand(ByteAlphabet::write);
    }
  }

  /// The cleaning of neural machine translation: no controls, every kind of space a space.
  record Nmt() implements Normalizer {
    @Override
    public AlignedText apply(AlignedText text) {
      return text.filter(c -> !control(c)).map(c -> space(c) ? ' ' : c);
    }

    private static boolean control(int c) {
      return c >= 1 && c <= 8
          || c == 0x0B
          || c >= 0x0E && c <= 0x1F
          || c == 0x7F
          || c == 0x8F
          || c == 0x9F;
    }

    private static boolean space(int c) {
      return switch (c) {
        case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD -> true;
        default -> c >= 0x200B && c <= 0x200F;
      };
    }
  }
}
