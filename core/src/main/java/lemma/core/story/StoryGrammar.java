package lemma.core.story;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.random.RandomGenerator;

/// Stories by rule: patterns, and lists of words that can stand for each other.
///
/// ```
/// child(name,he) = Ben, he | Mia, she        a list, with forms of each word
/// {child:A} fell. {A.He} {cried|laughed}.    a pattern: Ben fell. He laughed.
/// ```
///
/// | | |
/// |---|---|
/// | `{this\|that}` | one of both, which may hold braces again |
/// | `{child}`, `{child:A}` | a word of a list; with a letter it can be named again |
/// | `{A}`, `{A.he}`, `{A.He}` | the same word, one of its forms, that with a capital |
///
/// Two letters of one list are never the same word in a story. A million stories of such patterns have
/// right grammar and little to say; a few of them show a small model how sentences go.
public final class StoryGrammar implements StorySource {
  private static final int DEEPEST = 16;

  /// Words with their forms; `forms` names the columns.
  private record Words(List<String> forms, List<List<String>> all) {}

  private final Map<String, Words> lists = new HashMap<>();
  private final List<String> patterns = new ArrayList<>();

  /// Lines `name = words` define lists, lines that begin with `#` are remarks, all others patterns.
  ///
  /// @throws IllegalArgumentException if there is no pattern, or one does not work
  public StoryGrammar(List<String> lines) {
    for (String line : lines) {
      if (line.isBlank() || line.startsWith("#")) continue;
      if (line.matches("[a-z]+(\\([A-Za-z,]+\\))? = .*")) define(line);
      else patterns.add(line);
    }
    if (patterns.isEmpty()) throw new IllegalArgumentException("there must be a pattern");
    for (String pattern : patterns) checkBraces(pattern);
  }

  /// Reads a file.
  public static StoryGrammar read(Path file) throws IOException {
    return new StoryGrammar(Files.readAllLines(file));
  }

  private void define(String line) {
    int equals = line.indexOf(" = ");
    String head = line.substring(0, equals);
    int bracket = head.indexOf('(');
    String name = bracket < 0 ? head : head.substring(0, bracket);
    List<String> forms =
        bracket < 0 ? List.of() : List.of(head.substring(bracket + 1, head.length() - 1).split(","));
    List<List<String>> words = new ArrayList<>();
    for (String word : line.substring(equals + 3).split("\\|")) {
      List<String> each =
          forms.isEmpty()
              ? List.of(word.strip())
              : Arrays.stream(word.split(",")).map(String::strip).toList();
      if (!forms.isEmpty() && each.size() != forms.size())
        throw new IllegalArgumentException(
            "list %s: \"%s\" must have the forms %s".formatted(name, word.strip(), forms));
      words.add(each);
    }
    if (lists.put(name, new Words(forms, words)) != null)
      throw new IllegalArgumentException("list " + name + " is there twice");
  }

  private static void checkBraces(String pattern) {
    int depth = 0;
    for (int i = 0; i < pattern.length(); i++) {
      if (pattern.charAt(i) == '{') depth++;
      if (pattern.charAt(i) == '}') depth--;
      if (depth < 0 || depth > DEEPEST) break;
    }
    if (depth != 0) throw new IllegalArgumentException("braces do not match: " + pattern);
  }

  @Override
  public String draw(RandomGenerator random) {
    return new Story(random).tell(patterns.get(random.nextInt(patterns.size())));
  }

  /// One story in the making: what its letters stand for.
  private final class Story {
    private final RandomGenerator random;
    private final Map<String, Words> listOf = new HashMap<>();
    private final Map<String, List<String>> wordOf = new HashMap<>();

    Story(RandomGenerator random) {
      this.random = random;
    }

    String tell(String pattern) {
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < pattern.length(); i++) {
        if (pattern.charAt(i) != '{') {
          text.append(pattern.charAt(i));
          continue;
        }
        int close = closing(pattern, i);
        List<String> choices = choices(pattern.substring(i + 1, close));
        String chosen = choices.get(random.nextInt(choices.size()));
        text.append(choices.size() > 1 ? tell(chosen) : word(chosen));
        i = close;
      }
      return text.toString();
    }

    private String word(String reference) {
      int colon = reference.indexOf(':');
      int dot = reference.indexOf('.');
      String name = colon > 0 ? reference.substring(0, colon) : reference;
      if (lists.containsKey(name)) {
        List<String> word = choose(lists.get(name), colon > 0);
        if (colon > 0) {
          String letter = reference.substring(colon + 1);
          listOf.put(letter, lists.get(name));
          wordOf.put(letter, word);
        }
        return tell(word.getFirst());
      }
      String letter = dot > 0 ? reference.substring(0, dot) : reference;
      if (!wordOf.containsKey(letter))
        throw new IllegalArgumentException("nothing is called {" + reference + "}");
      return dot > 0 ? form(letter, reference.substring(dot + 1)) : wordOf.get(letter).getFirst();
    }

    private List<String> choose(Words list, boolean distinct) {
      List<List<String>> free = new ArrayList<>(list.all());
      if (distinct) free.removeAll(wordOf.values());
      if (free.isEmpty())
        throw new IllegalArgumentException("there are not enough words: " + list.all());
      return free.get(random.nextInt(free.size()));
    }

    private String form(String letter, String form) {
      String small = form.substring(0, 1).toLowerCase(Locale.ROOT) + form.substring(1);
      int column = listOf.get(letter).forms().indexOf(small);
      if (column < 0)
        throw new IllegalArgumentException(
            "{%s.%s}: the forms are %s".formatted(letter, form, listOf.get(letter).forms()));
      String word = wordOf.get(letter).get(column);
      boolean capital = Character.isUpperCase(form.charAt(0));
      return capital ? Character.toUpperCase(word.charAt(0)) + word.substring(1) : word;
    }
  }

  private static int closing(String pattern, int open) {
    int depth = 0;
    for (int i = open; i < pattern.length(); i++) {
      if (pattern.charAt(i) == '{') depth++;
      if (pattern.charAt(i) == '}' && --depth == 0) return i;
    }
    throw new IllegalArgumentException("braces do not match: " + pattern);
  }

  /// The parts between bars that are in no inner braces.
  private static List<String> choices(String inner) {
    List<String> parts = new ArrayList<>();
    int depth = 0;
    int from = 0;
    for (int i = 0; i < inner.length(); i++) {
      char c = inner.charAt(i);
      if (c == '{') depth++;
      if (c == '}') depth--;
      if (c == '|' && depth == 0) {
        parts.add(inner.substring(from, i));
        from = i + 1;
      }
    }
    parts.add(inner.substring(from));
    return parts;
  }
}
