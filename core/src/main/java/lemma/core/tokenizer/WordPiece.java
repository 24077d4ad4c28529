package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/// WordPiece encoding: again and again the longest token that the rest of the word begins with.
///
/// ```
/// unaffable → un  ##aff  ##able
/// ```
///
/// A token inside of a word is written with a prefix. If a part of the word has no token, the whole
/// word is unknown: one token for all of it, and so is a word that is too long.
///
/// Wu et al. 2016, section 4.1, arXiv:1609.08144; Devlin et al. 2019 (BERT). Answer:
/// `tokenizer/wordpiece.md`.
///
/// @param unknown the id of a word without tokens
/// @param prefix in front of tokens that do not begin a word: `##`
/// @param longestWord the number of characters of the longest word that is not unknown
public record WordPiece(Vocabulary vocabulary, int unknown, String prefix, int longestWord)
    implements TokenModel {

  /// @throws IllegalArgumentException if the unknown token is not in the vocabulary, or the longest
  ///     word is negative
  public WordPiece {
    vocabulary.token(unknown);
    if (longestWord < 0)
      throw new IllegalArgumentException("longestWord must be 0 or more, was " + longestWord);
  }

  @Override
  public List<Segment> tokenize(String word) {
    List<Segment> unknownWord = List.of(new Segment(unknown, 0, word.length()));
    if (word.codePointCount(0, word.length()) > longestWord) return unknownWord;
    List<Segment> tokens = new ArrayList<>();
    for (int from = 0; from < word.length(); ) {
      int to = Math.min(word.length(), from + vocabulary.longest());
      if (to < word.length() && Character.isLowSurrogate(word.charAt(to))) to++;
      OptionalInt id = find(word, from, to);
      while (id.isEmpty() && to > from) {
        to = word.offsetByCodePoints(to, -1);
        id = to > from ? find(word, from, to) : OptionalInt.empty();
      }
      if (id.isEmpty()) return unknownWord;
      tokens.add(new Segment(id.getAsInt(), from, to));
      from = to;
    }
    return tokens;
  }

  private OptionalInt find(String word, int from, int to) {
    String part = word.substring(from, to);
    return vocabulary.id(from == 0 ? part : prefix + part);
  }
}
