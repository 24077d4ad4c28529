package lemma.core.tokenizer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Replacement rules for characters and sequences of them, as SentencePiece compiles them into a
/// model: NFKC with its own treatment of spaces and controls, most of the time.
///
/// ```
/// blob = size of the trie (4 bytes) · trie · replacements in UTF-8, each ended by 0
/// ```
///
/// The trie is a double array over the bytes of UTF-8, of 32-bit units:
///
/// ```
/// child(unit i, byte c) = i ⊕ offset(i) ⊕ c, if its label is c
/// a unit with bit 31 is a value: where the replacement begins
/// ```
///
/// Every unit is checked when the map is read, so that no walk leaves the array.
///
/// Answer: `tokenizer/sentencepiece.md`.
public final class PrecompiledCharsMap {
  private static final int LARGEST = 1 << 26;
  private static final int LONGEST_REPLACEMENT = 1 << 10;
  private static final int BLOCK = 256;
  private static final int NONE = -1;
  private static final Pattern GRAPHEME = Pattern.compile("\\X");
  private static final int SHORT_GRAPHEME = 6; // bytes

  private final byte[] blob;
  private final int[] units;
  private final byte[] replacements;

  /// @param blob as the file holds it
  /// @throws IllegalArgumentException if it is damaged
  public PrecompiledCharsMap(byte[] blob) {
    if (blob.length < Integer.BYTES || blob.length > LARGEST)
      throw damaged("has %d bytes", blob.length);
    this.blob = blob.clone();
    ByteBuffer buffer = ByteBuffer.wrap(this.blob).order(ByteOrder.LITTLE_ENDIAN);
    int size = buffer.getInt();
    if (size <= 0 || size % (BLOCK * Integer.BYTES) != 0 || size > buffer.remaining())
      throw damaged("has a trie of %d bytes", size);
    units = new int[size / Integer.BYTES];
    buffer.asIntBuffer().get(units);
    replacements = new byte[buffer.remaining() - size];
    buffer.position(buffer.position() + size).get(replacements);
    checkUnits();
  }

  private void checkUnits() {
    boolean[] begins = beginnings();
    if (units[0] < 0) throw damaged("has unit %d for a root", units[0]);
    for (int i = 0; i < units.length; i++) {
      if (units[i] < 0) {
        int value = value(units[i]);
        if (value >= replacements.length || !begins[value])
          throw damaged("points to replacement %d", value);
      } else if (((i ^ offset(units[i])) | (BLOCK - 1)) >= units.length) {
        throw damaged("has an edge out of the trie at unit %d", i);
      }
    }
  }

  /// Where a replacement may begin: at a character, not too far from its end.
  private boolean[] beginnings() {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(replacements));
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("precompiled map: replacements are not UTF-8", e);
    }
    boolean[] begins = new boolean[replacements.length];
    int end = NONE;
    for (int i = replacements.length - 1; i >= 0; i--) {
      if (replacements[i] == 0) end = i;
      boolean continued = (replacements[i] & 0xC0) == 0x80;
      begins[i] = !continued && end != NONE && end - i <= LONGEST_REPLACEMENT;
    }
    return begins;
  }

  private static IllegalArgumentException damaged(String what, int number) {
    return new IllegalArgumentException("precompiled map " + what.formatted(number));
  }

  /// The map as a file holds it.
  public byte[] toBytes() {
    return blob.clone();
  }

  private static int value(int unit) {
    return unit & Integer.MAX_VALUE;
  }

  private static int offset(int unit) {
    return (unit >>> 10) << ((unit & (1 << 9)) >>> 6);
  }

  private static boolean hasValue(int unit) {
    return (unit & (1 << 8)) != 0;
  }

  /// What a rule makes of the beginning of a text.
  record Replacement(String text, int end) {}

  /// The rule with the longest match at a place, or null.
  Replacement longest(String text, int from) {
    Replacement[] last = {null};
    matches(
        text,
        from,
        text.length(),
        (end, value) -> {
          last[0] = new Replacement(replacement(value), end);
          return true;
        });
    return last[0];
  }

  @FunctionalInterface
  private interface Match {
    /// @return whether to look for longer ones
    boolean at(int end, int value);
  }

  /// Walks down the trie, character by character, from short to long matches.
  private void matches(String text, int from, int to, Match match) {
    int node = offset(units[0]);
    for (int i = from; i < to; ) {
      int codePoint = text.codePointAt(i);
      i += Character.charCount(codePoint);
      int last = isSurrogate(codePoint) ? NONE : walk(node, codePoint);
      if (last == NONE) return;
      node = last ^ offset(units[last]);
      boolean found = hasValue(units[last]) && units[node] < 0;
      if (found && !match.at(i, value(units[node]))) return;
    }
  }

  private static boolean isSurrogate(int codePoint) {
    return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
  }

  /// The unit behind the bytes of a character, or [#NONE]. `node` has its offset applied.
  private int walk(int node, int codePoint) {
    int length = codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
    for (int i = 0; i < length; i++) {
      int label = utf8(codePoint, i, length);
      if (i > 0) node ^= offset(units[node]);
      node ^= label;
      if (units[node] < 0 || (units[node] & 0xFF) != label) return NONE;
    }
    return node;
  }

  /// Byte `i` of the `length` bytes of a character.
  private static int utf8(int codePoint, int i, int length) {
    if (length == 1) return codePoint;
    int bits = codePoint >> 6 * (length - 1 - i);
    return i == 0 ? (0xF00 >> length & 0xFF) | bits : 0x80 | bits & 0x3F;
  }

  private String replacement(int value) {
    int end = value;
    while (replacements[end] != 0) end++;
    return new String(replacements, value, end - value, StandardCharsets.UTF_8);
  }

  /// A text after all rules: at each place the one with the longest match, as SentencePiece does it.
  public AlignedText normalise(AlignedText text) {
    var result = new AlignedText.Edit(text.text().length());
    for (int at = 0; at < text.text().length(); ) {
      Replacement rule = rule(text.text(), at);
      result.add(rule.text, text.start(at), text.end(rule.end - 1));
      at = rule.end;
    }
    return result.done();
  }

  /// The rule at a place, or the character itself.
  Replacement rule(String text, int at) {
    Replacement rule = longest(text, at);
    return rule != null ? rule : itself(text, at);
  }

  /// The character at a place, unchanged; U+FFFD for a surrogate without its partner.
  static Replacement itself(String text, int at) {
    int codePoint = text.codePointAt(at);
    int end = at + Character.charCount(codePoint);
    return new Replacement(isSurrogate(codePoint) ? "\uFFFD" : text.substring(at, end), end);
  }

  /// The same as Hugging Face's `Precompiled` does it, which is not the same for a few sequences.
  ///
  /// It takes the text by grapheme clusters. A cluster of less than 6 bytes whose beginning has a rule
  /// is replaced as a whole by the rule with the *shortest* match, and what follows in the cluster is
  /// lost. In other clusters each character is replaced by itself.
  ///
  /// Spans are counted as that library counts them: the characters of a replacement stand for those
  /// that it replaced, one for one, and what is left over belongs to the last one. After a removed
  /// character at the beginning of a text, every span is off by one.
  public AlignedText normaliseByGraphemes(AlignedText text) {
    var result = new OneForOne(text);
    Matcher graphemes = GRAPHEME.matcher(text.text());
    while (graphemes.find()) {
      int from = graphemes.start();
      int to = graphemes.end();
      boolean small = graphemes.group().getBytes(StandardCharsets.UTF_8).length < SHORT_GRAPHEME;
      String whole = small ? shortest(text.text(), from, to) : null;
      if (whole != null) {
        result.replace(text.text().codePointCount(from, to), whole);
        continue;
      }
      for (int at = from; at < to; ) {
        Replacement self = itself(text.text(), at);
        String rule = shortest(text.text(), at, self.end);
        result.replace(1, rule != null ? rule : self.text);
        at = self.end;
      }
    }
    return result.edit.done();
  }

  private String shortest(String text, int from, int to) {
    String[] first = {null};
    matches(
        text,
        from,
        to,
        (end, value) -> {
          first[0] = replacement(value);
          return false;
        });
    return first[0];
  }

  /// Counts the characters of a text along with those that replace them.
  private static final class OneForOne {
    private final AlignedText source;
    private final AlignedText.Edit edit;
    private boolean begun;
    private int begin; // of the last character that was counted
    private int end;

    OneForOne(AlignedText source) {
      this.source = source;
      edit = new AlignedText.Edit(source.text().length());
    }

    void replace(int count, String replacement) {
      int left = count;
      for (int i = 0; i < replacement.length(); ) {
        int codePoint = replacement.codePointAt(i);
        if (left-- > 0) {
          begin = end;
          end = after(end);
        }
        if (end == 0) edit.add(codePoint, 0, 0);
        else edit.add(codePoint, source.start(begin), source.end(end - 1));
        begun = true;
        i += Character.charCount(codePoint);
      }
      for (; begun && left > 0; left--) end = after(end);
    }

    private int after(int at) {
      return at + Character.charCount(source.text().codePointAt(at));
    }
  }
}
