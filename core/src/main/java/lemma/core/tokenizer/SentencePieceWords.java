package lemma.core.tokenizer;

import java.lang.Character.UnicodeScript;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// Cuts texts into the words that [UnigramTraining] learns from: pieces never reach beyond one.
///
/// ```
/// "tokens, 42 个词" → ▁tokens · , · ▁42 · ▁个词
/// ```
///
/// A word begins at each `▁`, and where the script changes: Latin, Han (with the two Japanese ones),
/// and so on; digits and punctuation have none of their own. Characters that are too rare are left
/// out, and end a word.
///
/// @param characterCoverage the share of all characters that the kept ones make up, at least
/// @param splitDigits whether each digit is a word by itself, as for Llama 2
public record SentencePieceWords(
    SentencePieceNormaliser normaliser, double characterCoverage, boolean splitDigits) {

  /// @throws IllegalArgumentException if the coverage is not above 0 and at most 1
  public SentencePieceWords {
    if (!(characterCoverage > 0 && characterCoverage <= 1))
      throw new IllegalArgumentException(
          "characterCoverage must be above 0 and at most 1, was " + characterCoverage);
  }

  /// The words of the texts, and how often each occurs.
  public Map<String, Long> count(List<String> texts) {
    List<String> normalised = texts.stream().map(text -> normaliser.apply(text).text()).toList();
    Set<Integer> kept = frequent(normalised);
    Map<String, Long> words = new TreeMap<>();
    for (String text : normalised) cut(text, kept, words);
    return words;
  }

  private Set<Integer> frequent(List<String> texts) {
    Map<Integer, Long> counts = new HashMap<>();
    for (String text : texts) text.codePoints().forEach(c -> counts.merge(c, 1L, Long::sum));
    double wanted = characterCoverage * counts.values().stream().mapToLong(Long::longValue).sum();
    List<Map.Entry<Integer, Long>> byFrequency =
        counts.entrySet().stream()
            .sorted(
                Map.Entry.<Integer, Long>comparingByValue(Comparator.reverseOrder())
                    .thenComparing(Map.Entry.comparingByKey()))
            .toList();
    Set<Integer> kept = new HashSet<>();
    long covered = 0;
    for (Map.Entry<Integer, Long> each : byFrequency) {
      if (covered >= wanted) break;
      kept.add(each.getKey());
      covered += each.getValue();
    }
    return kept;
  }

  private void cut(String text, Set<Integer> kept, Map<String, Long> words) {
    var word = new StringBuilder();
    UnicodeScript before = null; // any, at the beginning and behind ▁
    for (int c : text.codePoints().toArray()) {
      boolean digit = splitDigits && Character.isDigit(c);
      UnicodeScript script = c == SentencePiece.SPACE ? null : script(c, before);
      boolean changes = before != null && script != before;
      if (c == SentencePiece.SPACE || changes || digit || !kept.contains(c)) end(word, words);
      if (kept.contains(c)) word.appendCodePoint(c);
      if (digit) end(word, words);
      before = kept.contains(c) ? script : null;
    }
    end(word, words);
  }

  private static void end(StringBuilder word, Map<String, Long> words) {
    if (!word.isEmpty()) words.merge(word.toString(), 1L, Long::sum);
    word.setLength(0);
  }

  private static UnicodeScript script(int codePoint, UnicodeScript before) {
    UnicodeScript script = UnicodeScript.of(codePoint);
    return switch (script) {
      case HIRAGANA, KATAKANA -> UnicodeScript.HAN;
      case INHERITED -> before == null ? script : before;
      default -> codePoint == 'ー' ? UnicodeScript.HAN : script;
    };
  }
}
