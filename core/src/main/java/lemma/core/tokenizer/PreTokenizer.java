package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import lemma.core.tokenizer.TextPattern.Cut;

/// The second step of a tokenizer: a text falls into the pieces that its tokens never cross.
///
/// Each record is one `pre_tokenizer` of Hugging Face's `tokenizer.json`, by its name there.
public sealed interface PreTokenizer
    permits Metaspace,
        PreTokenizer.BertPreTokenizer,
        PreTokenizer.ByteLevel,
        PreTokenizer.Digits,
        PreTokenizer.None,
        PreTokenizer.Published,
        PreTokenizer.Punctuation,
        PreTokenizer.Sequence,
        PreTokenizer.Split,
        PreTokenizer.Whitespace,
        PreTokenizer.WhitespaceSplit {

  /// The pieces of a text, in order; none is empty.
  List<AlignedText> split(AlignedText text);

  /// The text is one piece.
  record None() implements PreTokenizer {
    @Override
    public List<AlignedText> split(AlignedText text) {
      return text.isEmpty() ? List.of() : List.of(text);
    }
  }

  /// Each in turn, on every piece of the one before.
  record Sequence(List<PreTokenizer> steps) implements PreTokenizer {
    public Sequence {
      steps = List.copyOf(steps);
    }

    @Override
    public List<AlignedText> split(AlignedText text) {
      List<AlignedText> pieces = new None().split(text);
      for (PreTokenizer step : steps) {
        List<AlignedText> next = new ArrayList<>();
        for (AlignedText piece : pieces) next.addAll(step.split(piece));
        pieces = next;
      }
      return pieces;
    }
  }

  /// At every match of a pattern, or with `invert` everywhere else.
  record Split(TextPattern pattern, SplitBehaviour behaviour, boolean invert)
      implements PreTokenizer {
    @Override
    public List<AlignedText> split(AlignedText text) {
      List<Cut> cuts = pattern.cuts(text.text());
      if (invert) cuts.replaceAll(cut -> new Cut(cut.from(), cut.to(), !cut.match()));
      return behaviour.split(text, cuts);
    }
  }

  /// By one of the patterns that are known by name, without an expression.
  record Published(PublishedPattern pattern) implements PreTokenizer {
    @Override
    public List<AlignedText> split(AlignedText text) {
      char[] characters = text.text().toCharArray();
      List<AlignedText> pieces = new ArrayList<>();
      for (int from = 0; from < characters.length; ) {
        int to = pattern.end(characters, from, characters.length);
        pieces.add(text.slice(from, to));
        from = to;
      }
      return pieces;
    }
  }

  /// GPT-2: a space in front, its pattern, and bytes written as characters.
  ///
  /// @param addPrefixSpace whether a text that begins without a space gets one
  /// @param split whether GPT-2's pattern is applied
  record ByteLevel(boolean addPrefixSpace, boolean split) implements PreTokenizer {
    @Override
    public List<AlignedText> split(AlignedText text) {
      AlignedText begun = addPrefixSpace && !text.text().startsWith(" ") ? text.prepend(" ") : text;
      List<AlignedText> pieces =
          split ? new Published(PublishedPattern.GPT2).split(begun) : new None().split(begun);
      return pieces.stream().map(piece -> piece.expand(ByteAlphabet::write)).toList();
    }
  }

  /// Words and runs of other characters: `\w+|[^\w\s]+`.
  record Whitespace() implements PreTokenizer {
    @Override
    public List<AlignedText> split(AlignedText text) {
      String characters = text.text();
      List<AlignedText> pieces = new ArrayList<>();
      int from = 0;
      int before = 0; // 0 white space, 1 word, 2 other
      for (int i = 0; i < characters.length(); ) {
        int c = characters.codePointAt(i);
        int kind = CharacterClass.word(c) ? 1 : CharacterClass.whiteSpace(c) ? 0 : 2;
        if (kind != before) {
          if (before != 0) pieces.add(text.slice(from, i));
          from = i;
          before = kind;
        }
        i += Character.charCount(c);
      }
      if (before != 0) pieces.add(text.slice(from, characters.length()));
      return pieces;
    }
  }

  /// What stands between white space.
  record WhitespaceSplit() implements PreTokenizer {
    @Override
    public List<AlignedText> split(AlignedText text) {
      return SplitBehaviour.REMOVED.split(text, cuts(text, CharacterClass::whiteSpace));
    }
  }

  /// Words between white space, and every punctuation character by itself.
  record BertPreTokenizer() implements PreTokenizer {
    @Override
    public List<AlignedText> split(AlignedText text) {
      var words = new WhitespaceSplit();
      return new Sequence(List.of(words, new Punctuation(SplitBehaviour.ISOLATED))).split(text);
    }
  }

  /// At punctuation.
  record Punctuation(SplitBehaviour behaviour) implements PreTokenizer {
    @Override
    public List<AlignedText> split(AlignedText text) {
      return behaviour.split(text, cuts(text, CharacterClass::punctuation));
    }
  }

  /// Numbers apart from the rest, digit by digit if asked.
  record Digits(boolean individual) implements PreTokenizer {
    @Override
    public List<AlignedText> split(AlignedText text) {
      SplitBehaviour behaviour = individual ? SplitBehaviour.ISOLATED : SplitBehaviour.CONTIGUOUS;
      return behaviour.split(text, cuts(text, CharacterClass::number));
    }
  }

  /// Every character of a class as a match, and the runs between.
  private static List<Cut> cuts(AlignedText text, IntPredicate match) {
    String characters = text.text();
    List<Cut> cuts = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < characters.length(); ) {
      int c = characters.codePointAt(i);
      int next = i + Character.charCount(c);
      if (match.test(c)) {
        if (i > from) cuts.add(new Cut(from, i, false));
        cuts.add(new Cut(i, next, true));
        from = next;
      }
      i = next;
    }
    if (from < characters.length()) cuts.add(new Cut(from, characters.length(), false));
    return cuts;
  }
}
