package lemma.sampling.constrain;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// A constraint and a vocabulary together: the mask of each state of the automaton, made by walking
/// the tree of tokens and the automaton side by side.
///
/// ```
/// walk(node, S):  S' = step(S, its byte);  if S' lives: allow its tokens, walk(children, S')
/// ```
///
/// Masks are kept by state, the latest [#KEPT_BYTES] of them: inside a string or a number the state
/// stays the same from token to token, and so does the mask.
final class MaskCache {
  static final int KEPT_BYTES = 64 << 20;

  final TokenTrie trie;
  final Set<Integer> endTokens;
  final Automaton automaton;

  private final Map<Automaton.State, TokenMask> masks;
  private final Automaton.State[] path;

  MaskCache(Constraint constraint, TokenTrie trie, Set<Integer> endTokens) {
    for (int token : endTokens)
      if (token < 0 || token >= trie.vocabularySize)
        throw new IllegalArgumentException(
            "end token %d is outside the vocabulary of %d".formatted(token, trie.vocabularySize));
    this.trie = trie;
    this.endTokens = Set.copyOf(endTokens);
    automaton = new Automaton(constraint.network());
    path = new Automaton.State[trie.deepest + 1];
    // a mask takes up to 5/8 of a byte a token
    int kept = Math.max(16, KEPT_BYTES / trie.vocabularySize);
    masks =
        new LinkedHashMap<>(64, 0.75f, true) {
          @Override
          protected boolean removeEldestEntry(Map.Entry<Automaton.State, TokenMask> eldest) {
            return size() > kept;
          }
        };
  }

  /// The tokens that can follow in `state`.
  TokenMask mask(Automaton.State state) {
    TokenMask mask = masks.get(state);
    if (mask == null) masks.put(state, mask = walk(state));
    return mask;
  }

  private TokenMask walk(Automaton.State from) {
    long[] words = new long[(trie.vocabularySize + 63) / 64];
    path[0] = from;
    for (int node = 0; node < trie.bytes.length; ) {
      int depth = trie.depths[node];
      Automaton.State next = automaton.step(path[depth - 1], trie.bytes[node]);
      if (next == null) {
        node = trie.ends[node];
        continue;
      }
      path[depth] = next;
      for (int t = trie.firsts[node]; t < trie.firsts[node + 1]; t++) set(words, trie.tokens[t]);
      node++;
    }
    for (int token : endTokens) {
      words[token >> 6] &= ~(1L << token);
      if (from.mayEnd()) set(words, token);
    }
    return new TokenMask(words, trie.vocabularySize);
  }

  private static void set(long[] words, int token) {
    words[token >> 6] |= 1L << token;
  }
}
