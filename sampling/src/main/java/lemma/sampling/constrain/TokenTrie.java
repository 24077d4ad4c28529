package lemma.sampling.constrain;

import java.util.Arrays;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import lemma.core.tokenizer.Tokenizer;

/// The tokens of a vocabulary as a tree of their bytes, so that what tokens begin with in common is
/// read once.
///
/// The nodes lie in the order of the tokens' bytes, each before what hangs below it: a walk is a
/// loop that goes on to the next node, or jumps over a subtree whose first byte does not fit.
///
/// ```
/// node    0  1  2  3      token "a", "ab", "b"
/// bytes   a  b  b         ends[0] = 2: the next node that is not below "a"
/// ```
///
/// Special tokens and tokens without bytes are not text and not in the tree.
public final class TokenTrie {
  /// The longest token that is text, in bytes.
  static final int LONGEST = 65_535;

  final int vocabularySize;
  final int deepest;

  /// Of each node: its last byte, its length in bytes, the first node behind its subtree, and the
  /// first of its tokens in `tokens`.
  final byte[] bytes;

  final char[] depths;
  final int[] ends;
  final int[] firsts;
  final int[] tokens;

  private final byte[][] texts;

  private TokenTrie(byte[][] texts) {
    this.texts = texts;
    vocabularySize = texts.length;
    Integer[] sorted =
        IntStream.range(0, texts.length)
            .filter(t -> texts[t].length > 0)
            .boxed()
            .toArray(Integer[]::new);
    Arrays.sort(sorted, (a, b) -> Arrays.compareUnsigned(texts[a], texts[b]));
    int nodes = 0;
    byte[] before = {};
    for (int token : sorted) {
      nodes = Math.addExact(nodes, texts[token].length - common(before, texts[token]));
      before = texts[token];
    }
    bytes = new byte[nodes];
    depths = new char[nodes];
    ends = new int[nodes];
    firsts = new int[nodes + 1];
    tokens = new int[sorted.length];
    deepest = Arrays.stream(texts).mapToInt(t -> t.length).max().orElse(0);
    fill(sorted);
  }

  /// @throws IllegalArgumentException if a token is longer than 65,535 bytes
  public static TokenTrie of(Tokenizer tokenizer) {
    return of(
        tokenizer.vocabularySize(),
        token -> tokenizer.isSpecial(token) ? new byte[0] : tokenizer.bytes(token));
  }

  /// The tree of tokens 0 … `vocabularySize` − 1.
  ///
  /// @param tokenBytes the UTF-8 that a token stands for; nothing for tokens that are not text
  /// @throws IllegalArgumentException if a token is longer than 65,535 bytes
  public static TokenTrie of(int vocabularySize, IntFunction<byte[]> tokenBytes) {
    if (vocabularySize < 1)
      throw new IllegalArgumentException("vocabularySize must be 1 or more, was " + vocabularySize);
    byte[][] texts = new byte[vocabularySize][];
    for (int token = 0; token < vocabularySize; token++) {
      texts[token] = tokenBytes.apply(token);
      if (texts[token].length > LONGEST)
        throw new IllegalArgumentException(
            "token %d has %d bytes, at most %d are possible"
                .formatted(token, texts[token].length, LONGEST));
    }
    return new TokenTrie(texts);
  }

  private static int common(byte[] a, byte[] b) {
    int mismatch = Arrays.mismatch(a, b);
    return mismatch < 0 ? a.length : mismatch;
  }

  private void fill(Integer[] sorted) {
    int[] open = new int[deepest + 1]; // the node of each length on the current path
    int depth = 0;
    int node = 0;
    for (int i = 0; i < sorted.length; i++) {
      byte[] text = texts[sorted[i]];
      int shared = i == 0 ? 0 : common(texts[sorted[i - 1]], text);
      while (depth > shared) ends[open[depth--]] = node;
      while (depth < text.length) {
        bytes[node] = text[depth++];
        depths[node] = (char) depth;
        firsts[node] = i;
        open[depth] = node++;
      }
      tokens[i] = sorted[i];
    }
    while (depth > 0) ends[open[depth--]] = node;
    firsts[node] = sorted.length;
  }

  /// The bytes of a token; none if it is not text.
  byte[] text(int token) {
    return texts[token];
  }
}
