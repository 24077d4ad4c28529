package lemma.docs.site;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lemma.docs.answer.Answer;
import lemma.docs.answer.Answers;

/// Which answers belong to which item of the interview notes.
final class NotesIndex {
  private static final Pattern NUMBER = Pattern.compile("\\d+");

  /// @param name the item as pages write it: `N1 2.18.2` or `N3.25`
  /// @param note the note it stands in: `N1`
  record Item(String name, String note, List<Answer> answers) {}

  private NotesIndex() {}

  /// Every item that a page names, in the notes' order.
  static List<Item> of(Answers answers) {
    Map<String, Item> items = new TreeMap<>();
    for (Answer answer : answers.all())
      for (String name : answer.notes())
        items
            .computeIfAbsent(
                sortKey(name), key -> new Item(name, name.split("[ .]")[0], new ArrayList<>()))
            .answers()
            .add(answer);
    return List.copyOf(items.values());
  }

  /// The name with every number padded, so that 2.9 comes before 2.18.
  private static String sortKey(String name) {
    Matcher number = NUMBER.matcher(name);
    return number.replaceAll(digits -> "%06d".formatted(Integer.parseInt(digits.group())));
  }
}
