package lemma.core.story;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Gives the parts of a story to other children: names are exchanged within a group.
///
/// There are few stories, and a model learns them by heart. With the parts given out anew each time,
/// who does something has to be read from the story itself.
///
/// @param groups names that can stand for each other, girls and boys apart: pronouns stay right
public record StoryCast(List<List<String>> groups) {

  public StoryCast {
    groups = groups.stream().map(List::copyOf).toList();
  }

  /// The children of the shipped stories.
  public static StoryCast children() {
    return new StoryCast(List.of(List.of("Ben", "Tom", "Sam"), List.of("Mia", "Lily", "Anna")));
  }

  /// Nobody changes.
  public static StoryCast unchanged() {
    return new StoryCast(List.of());
  }

  /// The same story with other names, whole words only: Tom is recast, Tomorrow is not.
  public String recast(String story, RandomGenerator random) {
    if (groups.isEmpty()) return story;
    Map<String, String> parts = new HashMap<>();
    for (List<String> group : groups) {
      String[] shuffled = group.toArray(String[]::new);
      for (int i = shuffled.length - 1; i > 0; i--) {
        int j = random.nextInt(i + 1);
        String name = shuffled[i];
        shuffled[i] = shuffled[j];
        shuffled[j] = name;
      }
      for (int i = 0; i < shuffled.length; i++) parts.put(group.get(i), shuffled[i]);
    }
    String names = parts.keySet().stream().map(Pattern::quote).collect(Collectors.joining("|"));
    return Pattern.compile("\\b(" + names + ")\\b")
        .matcher(story)
        .replaceAll(match -> Matcher.quoteReplacement(parts.get(match.group())));
  }
}
