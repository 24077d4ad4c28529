package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// The patterns that published tokenizers cut texts by: words with the space in front of them,
/// numbers, punctuation. Merges never cross a cut.
///
/// Each pattern matches at every place of every text, so the pieces, joined, are the text. The
/// expression is the definition; what runs is a scanner that reads every character about once.
///
/// | | words | numbers | |
/// |---|---|---|---|
/// | [#GPT2] | with a space in front | any length | contractions in lower case |
/// | [#LLAMA3] | with any one character in front | up to 3 digits | line feeds stay together |
/// | [#CL100K] | as Llama 3 | up to 3 digits | white space at the end is one piece |
/// | [#QWEN2] | as Llama 3 | one digit | |
/// | [#O200K] | split where lower case turns to upper | up to 3 digits | contractions stay on the word |
///
/// Answer: `tokenizer/bpe.md`.
public enum PublishedPattern {
  /// GPT-2 and GPT-3: r50k, p50k.
  GPT2("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"),
  /// GPT-3.5 and GPT-4.
  CL100K(
      "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+"
          + "| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s"),
  LLAMA3(
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
  QWEN2(
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
  /// GPT-4o.
  O200K(
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
          + "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
          + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"
          + "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
          + "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");

  private final String regex;

  PublishedPattern(String regex) {
    this.regex = regex;
  }

  /// The pattern as tokenizer files state it.
  public String regex() {
    return regex;
  }

  /// The pattern with this expression, if there is one.
  public static Optional<PublishedPattern> of(String regex) {
    return Arrays.stream(values()).filter(known -> known.regex.equals(regex)).findFirst();
  }

  /// Where the piece ends that begins at `from`.
  ///
  /// @param to the end of the text, beyond `from`
  public int end(char[] text, int from, int to) {
    var scanner = new PieceScanner(text, to);
    return switch (this) {
      case GPT2 -> scanner.gpt2(from);
      case CL100K -> scanner.gpt4(from, 3, true);
      case LLAMA3 -> scanner.gpt4(from, 3, false);
      case QWEN2 -> scanner.gpt4(from, 1, false);
      case O200K -> scanner.gpt4o(from);
    };
  }

  /// The pieces of a text, in order.
  public List<String> split(String text) {
    char[] characters = text.toCharArray();
    List<String> pieces = new ArrayList<>();
    for (int from = 0; from < characters.length; ) {
      int to = end(characters, from, characters.length);
      pieces.add(new String(characters, from, to - from));
      from = to;
    }
    return pieces;
  }
}
