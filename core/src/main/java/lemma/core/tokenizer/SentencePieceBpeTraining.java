package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import lemma.core.tokenizer.BpeTraining.Learned;
import lemma.core.tokenizer.BpeTraining.Ties;
import lemma.core.tokenizer.BpeTraining.Word;

/// Learns the pieces of a [SentencePieceBpe] vocabulary: [BpeTraining] on characters, whose merges
/// become pieces with scores 0, −1, −2, … in the order in which they were learned, and behind them
/// the characters, the most frequent first.
///
/// Answer: `tokenizer/sentencepiece.md`.
///
/// @param vocabularySize of the result, characters included
public record SentencePieceBpeTraining(int vocabularySize) {

  /// @throws IllegalArgumentException if the size is not positive
  public SentencePieceBpeTraining {
    if (vocabularySize < 1)
      throw new IllegalArgumentException("vocabularySize must be positive, was " + vocabularySize);
  }

  /// Learns from words, as [SentencePieceWords] counts them.
  ///
  /// @return the pieces, fewer than asked for if no pair is left
  /// @throws IllegalArgumentException if there are more characters than `vocabularySize`
  public List<SentencePiece> learn(Map<String, Long> words) {
    Map<String, Long> counts = new HashMap<>();
    words.forEach((word, frequency) ->
        word.codePoints().forEach(c -> counts.merge(Character.toString(c), frequency, Long::sum)));
    if (counts.size() > vocabularySize)
      throw new IllegalArgumentException(
          "vocabularySize must be at least %d, the number of characters, was %d"
              .formatted(counts.size(), vocabularySize));
    List<String> characters =
        counts.entrySet().stream()
            .sorted(
                Map.Entry.<String, Long>comparingByValue(Comparator.reverseOrder())
                    .thenComparing(Map.Entry.comparingByKey()))
            .map(Map.Entry::getKey)
            .toList();
    List<String> texts = new ArrayList<>(merged(words, characters));
    texts.addAll(characters);
    List<SentencePiece> pieces = new ArrayList<>();
    for (String text : texts) pieces.add(SentencePiece.normal(text, -pieces.size()));
    return pieces;
  }

  private Set<String> merged(Map<String, Long> words, List<String> characters) {
    Map<String, Integer> ids = new HashMap<>();
    for (String character : characters) ids.put(character, ids.size());
    List<Word> symbols = new ArrayList<>();
    words.forEach((word, frequency) ->
        symbols.add(
            new Word(
                word.codePoints().map(c -> ids.get(Character.toString(c))).toArray(), frequency)));
    int wanted = vocabularySize - characters.size();
    List<String> spelling = new ArrayList<>(characters);
    Set<String> texts = new LinkedHashSet<>();
    // ab·c and a·bc are merges of their own but one piece: more merges than pieces may be needed
    for (Learned each :
        new BpeTraining(2 * wanted, 1, Ties.SHORTEST, false).learn(symbols, characters)) {
      spelling.add(spelling.get(each.merge().left()) + spelling.get(each.merge().right()));
      if (texts.size() < wanted) texts.add(spelling.getLast());
    }
    return texts;
  }
}
