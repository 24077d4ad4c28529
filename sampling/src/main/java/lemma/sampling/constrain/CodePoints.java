package lemma.sampling.constrain;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/// A set of characters: ranges of code points, ascending and apart, without surrogates.
///
/// An automaton over bytes reads a character as one of a few sequences of byte ranges, such as
/// `[C3–DF][80–BF]`; see [#utf8].
record CodePoints(List<Range> ranges) {
  /// Both ends belong to it.
  record Range(int from, int to) {}

  static final CodePoints NONE = new CodePoints(List.of());
  static final CodePoints ALL = NONE.complement();

  static CodePoints of(int codePoint) {
    return range(codePoint, codePoint);
  }

  /// Every character of `characters`.
  static CodePoints of(String characters) {
    CodePoints set = NONE;
    for (int c : characters.codePoints().toArray()) set = set.or(of(c));
    return set;
  }

  /// From `from` to `to`, which are code points with `from` ≤ `to`.
  static CodePoints range(int from, int to) {
    var ranges = new ArrayList<Range>();
    if (from < 0xD800) ranges.add(new Range(from, Math.min(to, 0xD7FF)));
    if (to > 0xDFFF) ranges.add(new Range(Math.max(from, 0xE000), to));
    return new CodePoints(ranges);
  }

  /// Everything in any of `ranges`, which may overlap, in any order.
  static CodePoints union(List<Range> ranges) {
    var merged = new ArrayList<Range>();
    for (Range next : ranges.stream().sorted(Comparator.comparingInt(Range::from)).toList()) {
      Range last = merged.isEmpty() ? null : merged.getLast();
      if (last == null || next.from > last.to + 1) merged.add(next);
      else merged.set(merged.size() - 1, new Range(last.from, Math.max(last.to, next.to)));
    }
    return new CodePoints(merged);
  }

  CodePoints or(CodePoints other) {
    return union(Stream.concat(ranges.stream(), other.ranges.stream()).toList());
  }

  /// All characters that are not in this set.
  CodePoints complement() {
    var gaps = new ArrayList<Range>();
    int from = 0;
    for (Range range : ranges) {
      if (range.from > from) gaps.addAll(range(from, range.from - 1).ranges);
      from = range.to + 1;
    }
    if (from <= 0x10FFFF) gaps.addAll(range(from, 0x10FFFF).ranges);
    return new CodePoints(gaps);
  }

  CodePoints and(CodePoints other) {
    return complement().or(other.complement()).complement();
  }

  CodePoints without(CodePoints other) {
    return and(other.complement());
  }

  boolean contains(int codePoint) {
    return ranges.stream().anyMatch(r -> r.from <= codePoint && codePoint <= r.to);
  }

  /// The encodings: each is a sequence of byte ranges, every choice of bytes from it is a
  /// character.
  List<List<Range>> utf8() {
    var sequences = new ArrayList<List<Range>>();
    for (Range range : ranges) split(range.from, range.to, sequences);
    return sequences;
  }

  /// Cuts a range until its ends have equally many bytes and all bytes after the first that differs
  /// run from 80 to BF.
  private static void split(int from, int to, List<List<Range>> sequences) {
    for (int last : new int[] {0x7F, 0x7FF, 0xFFFF})
      if (from <= last && last < to) {
        split(from, last, sequences);
        split(last + 1, to, sequences);
        return;
      }
    if (to > 0x7F)
      for (int low = 0x3F; low <= 0x3FFFF; low = low << 6 | 0x3F) {
        if ((from | low) == (to | low)) break;
        int cut = (from & low) != 0 ? from | low : (to & low) != low ? (to & ~low) - 1 : to;
        if (cut == to) continue;
        split(from, cut, sequences);
        split(cut + 1, to, sequences);
        return;
      }
    byte[] first = encode(from);
    byte[] last = encode(to);
    Range[] sequence = new Range[first.length];
    Arrays.setAll(sequence, i -> new Range(first[i] & 0xFF, last[i] & 0xFF));
    sequences.add(List.of(sequence));
  }

  private static byte[] encode(int codePoint) {
    return Character.toString(codePoint).getBytes(UTF_8);
  }
}
