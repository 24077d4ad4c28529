package lemma.core.tokenizer;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/// Tokens and their ids. An id may stand for nothing: some vocabularies have gaps.
public final class Vocabulary {
  private final String[] tokens;
  private final Map<String, Integer> ids;
  private final int longest;

  /// @param tokens by id; null where an id is not in use
  /// @throws IllegalArgumentException if a token is there twice
  public Vocabulary(List<String> tokens) {
    this.tokens = tokens.toArray(String[]::new);
    ids = HashMap.newHashMap(tokens.size());
    for (int id = 0; id < this.tokens.length; id++) {
      if (this.tokens[id] == null) continue;
      Integer before = ids.put(this.tokens[id], id);
      if (before != null)
        throw new IllegalArgumentException(
            "token %s has the ids %d and %d".formatted(this.tokens[id], before, id));
    }
    longest = ids.keySet().stream().mapToInt(String::length).max().orElse(0);
  }

  /// The length of the longest token, in chars.
  public int longest() {
    return longest;
  }

  /// The number of ids, with those that are not in use.
  public int size() {
    return tokens.length;
  }

  /// The id of a token.
  public OptionalInt id(CharSequence token) {
    Integer id = ids.get(token.toString());
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /// Whether the id stands for a token.
  public boolean has(int id) {
    return id >= 0 && id < tokens.length && tokens[id] != null;
  }

  /// The token of an id.
  ///
  /// @throws IllegalArgumentException if the id is outside the vocabulary or not in use
  public String token(int id) {
    if (id < 0 || id >= tokens.length)
      throw new IllegalArgumentException(
          "id %d is outside the vocabulary of %d".formatted(id, tokens.length));
    if (tokens[id] == null) throw new IllegalArgumentException("id " + id + " is not in use");
    return tokens[id];
  }

  /// Every token by its id; null where an id is not in use.
  public List<String> tokens() {
    return Collections.unmodifiableList(Arrays.asList(tokens));
  }
}
