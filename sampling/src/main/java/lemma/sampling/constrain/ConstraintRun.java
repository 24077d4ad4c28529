package lemma.sampling.constrain;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.Set;
import lemma.core.tokenizer.Tokenizer;

/// A text on its way through a [Constraint], token by token.
///
/// ```
/// run = ConstraintRun.of(constraint, tokenizer, endTokens)
/// repeat:  run.allowed().apply(logits);  token ← draw;  run = run.accept(token)  until run.ended()
/// ```
///
/// A token is allowed exactly if the text with it can be completed; an end token, if the text is
/// complete. A token may end inside of a character. What is allowed does not depend on the
/// vocabulary: where no token spells what must follow, [#allowed] says so.
///
/// A run does not change: [#accept] returns the next one, and a search may go on from any of them.
/// The runs that come from one share what they have learned, so they belong to one thread.
public final class ConstraintRun {
  private static final int REMEMBERED = 40;

  private final MaskCache masks;
  private final Automaton.State state;
  private final int tokens;
  private final byte[] tail;
  private final boolean ended;

  private ConstraintRun(
      MaskCache masks, Automaton.State state, int tokens, byte[] tail, boolean ended) {
    this.masks = masks;
    this.state = state;
    this.tokens = tokens;
    this.tail = tail;
    this.ended = ended;
  }

  /// The start of a text.
  ///
  /// @param endTokens the tokens that end a text; allowed when it is complete
  /// @throws IllegalArgumentException if an end token is outside the vocabulary
  public static ConstraintRun of(
      Constraint constraint, Tokenizer tokenizer, Set<Integer> endTokens) {
    return of(constraint, TokenTrie.of(tokenizer), endTokens);
  }

  /// The same for a vocabulary that is prepared already, which takes a tenth of a second when it is
  /// large.
  public static ConstraintRun of(Constraint constraint, TokenTrie trie, Set<Integer> endTokens) {
    MaskCache masks = new MaskCache(constraint, trie, endTokens);
    return new ConstraintRun(masks, masks.automaton.start(), 0, new byte[0], false);
  }

  /// The tokens that may come next. None is left only if the text is complete, nothing can follow
  /// and there are no end tokens; after an end token these alone are allowed.
  ///
  /// @throws IllegalArgumentException if the text is not complete and no token of the vocabulary
  ///     continues it; or if the constraint is too ambiguous to be followed
  public TokenMask allowed() {
    TokenMask mask = mask();
    if (mask.count() == 0 && !mayEnd())
      throw new IllegalArgumentException(
          "no token of the vocabulary can follow%s: the constraint expects %s"
              .formatted(where(), expected()));
    return mask;
  }

  /// The same, also where nothing is left.
  TokenMask mask() {
    return ended ? endTokensOnly() : masks.mask(state);
  }

  /// The text with one more token.
  ///
  /// @throws IllegalArgumentException if the token is not allowed
  public ConstraintRun accept(int token) {
    if (token < 0 || token >= masks.trie.vocabularySize)
      throw new IllegalArgumentException(
          "token %d is outside the vocabulary of %d".formatted(token, masks.trie.vocabularySize));
    if (masks.endTokens.contains(token)) {
      if (!mayEnd())
        throw new IllegalArgumentException(
            "end token %d is not allowed%s: the constraint expects %s"
                .formatted(token, where(), expected()));
      return new ConstraintRun(masks, state, tokens + 1, tail, true);
    }
    byte[] text = masks.trie.text(token);
    Automaton.State next = ended || text.length == 0 ? null : state;
    for (int i = 0; i < text.length && next != null; i++)
      next = masks.automaton.step(next, text[i]);
    if (next == null)
      throw new IllegalArgumentException(
          "token %d (%s) is not allowed%s: the constraint expects %s"
              .formatted(token, quoted(text), where(), ended ? "nothing more" : expected()));
    return new ConstraintRun(masks, next, tokens + 1, join(tail, text), false);
  }

  /// Whether the text is complete as it is.
  public boolean mayEnd() {
    return ended || state.mayEnd();
  }

  /// Whether an end token was accepted.
  public boolean ended() {
    return ended;
  }

  private TokenMask endTokensOnly() {
    long[] words = new long[(masks.trie.vocabularySize + 63) / 64];
    for (int token : masks.endTokens) words[token >> 6] |= 1L << token;
    return new TokenMask(words, masks.trie.vocabularySize);
  }

  private static byte[] join(byte[] tail, byte[] text) {
    byte[] all = Arrays.copyOf(tail, tail.length + text.length);
    System.arraycopy(text, 0, all, tail.length, text.length);
    return all.length <= REMEMBERED
        ? all
        : Arrays.copyOfRange(all, all.length - REMEMBERED, all.length);
  }

  private String where() {
    return tokens == 0
        ? " at the start"
        : " after token number %d, where the text ends in %s".formatted(tokens, quoted(tail));
  }

  private String expected() {
    var text = new StringBuilder();
    int named = 0;
    for (int b = 0; b < 256; b++) {
      if (masks.automaton.step(state, (byte) b) == null) continue;
      if (named++ == 8) return text + " …";
      text.append(named == 1 ? "" : " ");
      text.append(b > 32 && b < 127 ? "'" + (char) b + "'" : "0x%02X".formatted(b));
    }
    return named == 0 ? "the end" : text.toString();
  }

  private static String quoted(byte[] text) {
    var quoted = new StringBuilder("\"");
    new String(text, UTF_8)
        .codePoints()
        .forEach(c ->
            quoted.append(
                Character.isISOControl(c) ? "\\u%04x".formatted(c) : Character.toString(c)));
    return quoted.append('"').toString();
  }
}
