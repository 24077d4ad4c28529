package lemma.docs.site;

import java.nio.file.Path;
import lemma.docs.answer.Answer;
import lemma.docs.answer.Answers;

/// Where a page's links lead: other pages become their HTML, the web stays as it is.
final class Links {
  private final Answers answers;

  Links(Answers answers) {
    this.answers = answers;
  }

  /// The link's target as seen from the page; empty if no page is there to lead to.
  String resolve(Answer from, String destination) {
    if (destination.matches("(https?|mailto):.*") || destination.startsWith("#"))
      return destination;
    int hash = destination.indexOf('#');
    String anchor = hash < 0 ? "" : destination.substring(hash);
    Path file = from.file().resolveSibling(hash < 0 ? destination : destination.substring(0, hash));
    Path target = file.normalize();
    for (Answer answer : answers.all())
      if (answer.file().normalize().equals(target)) return "../" + page(answer) + anchor;
    return "";
  }

  /// A page's place in the site.
  static String page(Answer answer) {
    return answer.chapter() + "/" + answer.id() + ".html";
  }
}
