package lemma.core.tokenizer;

/// The patterns of [PublishedPattern] as code: each alternative tried in the order of the
/// expression, by one look at a table for each character.
///
/// @param to the end of the text
record PieceScanner(char[] text, int to) {
  private static final int LETTER = 1;
  private static final int NUMBER = 2;
  private static final int SPACE = 4;
  private static final int LINE_END = 8; // a space, too
  private static final int UPPER = 16; // Lu, Lt, and what has no case: Lm, Lo, M
  private static final int LOWER = 32; // Ll, and what has no case
  private static final int SURROGATE = 64;
  private static final int WORD = LETTER | NUMBER | SPACE;
  private static final byte[] KINDS = kinds();

  private static byte[] kinds() {
    byte[] kinds = new byte[1 << 16];
    for (int c = 0; c < kinds.length; c++)
      kinds[c] = (byte) (Character.isSurrogate((char) c) ? SURROGATE : kind(c));
    return kinds;
  }

  private static int kind(int codePoint) {
    if (codePoint == '\r' || codePoint == '\n') return SPACE | LINE_END;
    if (CharacterClass.whiteSpace(codePoint)) return SPACE;
    return switch (Character.getType(codePoint)) {
      case Character.UPPERCASE_LETTER, Character.TITLECASE_LETTER -> LETTER | UPPER;
      case Character.LOWERCASE_LETTER -> LETTER | LOWER;
      case Character.MODIFIER_LETTER, Character.OTHER_LETTER -> LETTER | UPPER | LOWER;
      case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK, Character.ENCLOSING_MARK ->
          UPPER | LOWER;
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
          NUMBER;
      default -> 0;
    };
  }

  /// The kinds of the character at a place.
  private int kindAt(int at) {
    int kind = KINDS[text[at]];
    return kind == SURROGATE ? kind(Character.codePointAt(text, at, to)) : kind;
  }

  private int behind(int at) {
    return at + (paired(at) ? 2 : 1);
  }

  private boolean paired(int at) {
    return Character.isHighSurrogate(text[at])
        && at + 1 < to
        && Character.isLowSurrogate(text[at + 1]);
  }

  /// The end of a run of characters of some of these kinds.
  private int run(int from, int kinds) {
    int at = from;
    while (at < to) {
      int kind = KINDS[text[at]];
      if ((kind & kinds) != 0) at++;
      else if (kind == SURROGATE && (kindAt(at) & kinds) != 0) at = behind(at);
      else return at;
    }
    return to;
  }

  /// The end of a run of characters of none of these kinds.
  private int runWithout(int from, int kinds) {
    int at = from;
    while (at < to) {
      int kind = KINDS[text[at]];
      if (kind == SURROGATE) {
        if ((kindAt(at) & kinds) != 0) return at;
        at = behind(at);
      } else if ((kind & kinds) == 0) at++;
      else return at;
    }
    return to;
  }

  int gpt2(int from) {
    char first = text[from];
    if (first == '\'') {
      int end = contraction(from, false);
      if (end > from) return end;
    }
    int kind = kindAt(from);
    int start = from; // behind the space in front of a word
    if (first == ' ' && from + 1 < to) {
      int next = kindAt(from + 1);
      if ((next & SPACE) == 0) {
        start = from + 1;
        kind = next;
      }
    }
    if ((kind & LETTER) != 0) return run(start, LETTER);
    if ((kind & NUMBER) != 0) return run(start, NUMBER);
    if ((kind & SPACE) == 0) return runWithout(start, WORD);
    return spaces(from, run(from, SPACE));
  }

  /// @param digits in one piece, at most
  /// @param end whether white space at the end of the text is one piece, line ends or not
  int gpt4(int from, int digits, boolean end) {
    if (text[from] == '\'') {
      int contraction = contraction(from, true);
      if (contraction > from) return contraction;
    }
    int kind = kindAt(from);
    if ((kind & LETTER) != 0) return run(from, LETTER);
    if ((kind & (LINE_END | NUMBER)) == 0) {
      int next = behind(from);
      if (next < to && (kindAt(next) & LETTER) != 0) return run(next, LETTER);
    }
    return withoutLetters(from, kind, digits, end, false);
  }

  int gpt4o(int from) {
    int kind = kindAt(from);
    if ((kind & NUMBER) == 0) {
      int end = word(from, kind);
      if (end > from) return text(end, '\'') ? contraction(end, true) : end;
    }
    return withoutLetters(from, kind, 3, false, true);
  }

  private boolean text(int at, char c) {
    return at < to && text[at] == c;
  }

  /// What the expressions of GPT-4 and GPT-4o share: numbers, punctuation, white space.
  private int withoutLetters(int from, int kind, int digits, boolean end, boolean slashes) {
    if ((kind & NUMBER) != 0) {
      int at = behind(from);
      for (int n = 1; n < digits && at < to && (kindAt(at) & NUMBER) != 0; n++) at = behind(at);
      return at;
    }
    boolean spaced = text[from] == ' ' && from + 1 < to && (kindAt(from + 1) & WORD) == 0;
    if (spaced || (kind & WORD) == 0) {
      int at = runWithout(spaced ? from + 1 : from, WORD);
      while (text(at, '\r') || text(at, '\n') || slashes && text(at, '/')) at++;
      return at;
    }
    int spaces = run(from, SPACE);
    if (end && spaces == to) return to;
    for (int at = spaces; at > from; at--)
      if ((KINDS[text[at - 1]] & LINE_END) != 0) return at; // \s*[\r\n]+
    return spaces(from, spaces);
  }

  /// `\s+(?!\S)|\s+`: the last space belongs to the word behind it.
  private int spaces(int from, int end) {
    return end < to && end - from > 1 ? end - 1 : end;
  }

  /// `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll`, `'d` at an apostrophe, or `from` if it is none of them.
  private int contraction(int from, boolean anyCase) {
    char first = letter(from + 1, anyCase);
    char second = letter(from + 2, anyCase);
    return switch (first) {
      case 's', 't', 'm', 'd' -> from + 2;
      case 'r', 'v' -> second == 'e' ? from + 3 : from;
      case 'l' -> second == 'l' ? from + 3 : from;
      default -> from;
    };
  }

  private char letter(int at, boolean anyCase) {
    if (at >= to) return 0;
    char c = text[at];
    if (!anyCase) return c;
    if (c >= 'A' && c <= 'Z') return (char) (c + 32);
    return c == 'ſ' ? 's' : c; // the long s, by Unicode's folding
  }

  /// The first two alternatives of GPT-4o: capitals, then small letters, with one other character in
  /// front. Characters without case, and marks, count as both.
  private int word(int from, int kind) {
    boolean other = (kind & (LINE_END | LETTER)) == 0; // what may stand in front; marks, too
    int next = behind(from);
    if (other && next < to) {
      int end = small(next);
      if (end > next) return end;
    }
    int end = small(from);
    if (end > from) return end;
    if (other && next < to) {
      end = run(next, UPPER);
      if (end > next) return run(end, LOWER);
    }
    end = run(from, UPPER);
    return end > from ? run(end, LOWER) : from;
  }

  /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`, or `from` if there is none. The
  /// first part gives back what the second needs.
  private int small(int from) {
    int capitals = run(from, UPPER);
    int end = run(capitals, LOWER);
    if (end > capitals) return end;
    for (int at = capitals; at > from; ) {
      int before = at - 1;
      if (before > from && Character.isLowSurrogate(text[before]) && paired(before - 1)) before--;
      if ((kindAt(before) & LOWER) != 0) return at;
      at = before;
    }
    return from;
  }
}
