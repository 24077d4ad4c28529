package lemma.docs.answer;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/// The names that a mistyped one is likeliest to mean: those that contain it, then by edit distance.
public final class Nearest {
  private Nearest() {}

  public static List<String> of(String given, Collection<String> names, int count) {
    return names.stream()
        .sorted(
            Comparator.<String>comparingInt(name ->
                    name.contains(given) || given.contains(name) ? 0 : distance(given, name))
                .thenComparing(Comparator.naturalOrder()))
        .limit(count)
        .toList();
  }

  /// Levenshtein's distance, row by row.
  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) row[j] = j;
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replace = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replace, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
