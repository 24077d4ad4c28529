package lemma.core.tokenizer;

import java.util.Arrays;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.function.IntUnaryOperator;

/// A text after normalisation that remembers where each of its characters came from.
///
/// ```
/// original    A B    é      spans [0, 1) [1, 2) [2, 3)
/// normalised  a b    e ´          [0, 1) [1, 2) [2, 3) [2, 3)
/// ```
///
/// Positions count the chars of a Java string, in the normalised text as in the original, so a span
/// can be given to [String#substring]. A character that was put in has the span of its neighbour in
/// front. A surrogate without its partner becomes U+FFFD.
public final class AlignedText {
  private final String text;
  private final int[] starts;
  private final int[] ends;

  private AlignedText(String text, int[] starts, int[] ends) {
    this.text = text;
    this.starts = starts;
    this.ends = ends;
  }

  /// A text as it is: every character comes from itself.
  public static AlignedText of(String original) {
    var edit = new Edit(original.length());
    for (int i = 0; i < original.length(); ) {
      int c = original.codePointAt(i);
      int width = Character.charCount(c);
      boolean lone = c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
      edit.add(lone ? 0xFFFD : c, i, i + width);
      i += width;
    }
    return edit.done();
  }

  /// The text as it is now.
  public String text() {
    return text;
  }

  public boolean isEmpty() {
    return text.isEmpty();
  }

  /// Where the char at `at` begins in the original.
  public int start(int at) {
    return starts[at];
  }

  /// Where the char at `at` ends in the original.
  public int end(int at) {
    return ends[at];
  }

  /// A part with its own positions; its spans still speak of the whole original.
  public AlignedText slice(int from, int to) {
    if (from == 0 && to == text.length()) return this;
    return new AlignedText(
        text.substring(from, to),
        Arrays.copyOfRange(starts, from, to),
        Arrays.copyOfRange(ends, from, to));
  }

  /// Each character replaced by another.
  public AlignedText map(IntUnaryOperator each) {
    var edit = new Edit(text.length());
    forEach((c, at) -> edit.add(each.applyAsInt(c), starts[at], ends[at]));
    return edit.done();
  }

  /// Each character replaced by any number of them, which all come from it.
  public AlignedText expand(IntFunction<String> each) {
    var edit = new Edit(text.length());
    forEach((c, at) -> edit.add(each.apply(c), starts[at], ends[at]));
    return edit.done();
  }

  /// The characters that are to stay.
  public AlignedText filter(IntPredicate keep) {
    var edit = new Edit(text.length());
    forEach((c, at) -> {
      if (keep.test(c)) edit.add(c, starts[at], ends[at]);
    });
    return edit.done();
  }

  /// With characters in front, which share the span of the first; an empty text stays empty.
  public AlignedText prepend(String front) {
    if (isEmpty()) return this;
    var edit = new Edit(text.length() + front.length());
    edit.add(front, starts[0], ends[0]);
    edit.copy(this, 0, text.length());
    return edit.done();
  }

  /// Each match replaced; the new characters share the span of the last that they stand for.
  public AlignedText replace(TextPattern pattern, String content) {
    var edit = new Edit(text.length());
    for (TextPattern.Cut cut : pattern.cuts(text)) {
      if (!cut.match()) edit.copy(this, cut.from(), cut.to());
      else if (cut.to() == 0) edit.add(content, 0, 0);
      else edit.add(content, starts[cut.to() - 1], ends[cut.to() - 1]);
    }
    return edit.done();
  }

  private interface EachCharacter {
    void at(int codePoint, int at);
  }

  private void forEach(EachCharacter action) {
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      action.at(c, i);
      i += Character.charCount(c);
    }
  }

  /// A text being put together.
  static final class Edit {
    private final StringBuilder text;
    private int[] starts;
    private int[] ends;

    Edit(int length) {
      text = new StringBuilder(length);
      starts = new int[length];
      ends = new int[length];
    }

    void add(int codePoint, int start, int end) {
      text.appendCodePoint(codePoint);
      fill(start, end, Character.charCount(codePoint));
    }

    void add(String characters, int start, int end) {
      text.append(characters);
      fill(start, end, characters.length());
    }

    void copy(AlignedText from, int begin, int end) {
      text.append(from.text, begin, end);
      reserve();
      System.arraycopy(from.starts, begin, starts, text.length() - (end - begin), end - begin);
      System.arraycopy(from.ends, begin, ends, text.length() - (end - begin), end - begin);
    }

    private void fill(int start, int end, int count) {
      reserve();
      Arrays.fill(starts, text.length() - count, text.length(), start);
      Arrays.fill(ends, text.length() - count, text.length(), end);
    }

    private void reserve() {
      if (text.length() <= starts.length) return;
      int length = Math.max(text.length(), 2 * starts.length);
      starts = Arrays.copyOf(starts, length);
      ends = Arrays.copyOf(ends, length);
    }

    AlignedText done() {
      return new AlignedText(
          text.toString(),
          Arrays.copyOf(starts, text.length()),
          Arrays.copyOf(ends, text.length()));
    }
  }
}
