package lemma.docs.site;

import java.util.ArrayList;
import java.util.List;
import lemma.docs.answer.Answer;
import lemma.docs.answer.Answers;
import lemma.docs.markdown.Markdown;
import org.commonmark.node.Block;
import org.commonmark.node.FencedCodeBlock;
import org.commonmark.node.Heading;
import org.commonmark.node.Node;
import tools.jackson.databind.json.JsonMapper;

/// What the search box looks through: a script, because a page opened from a file may not fetch.
final class SearchIndex {

  /// @param page its place in the site
  /// @param keys id, notes' items and section titles: what a short query is likeliest to mean
  /// @param text the page's words
  private record Line(String page, String id, String title, String zh, String keys, String text) {}

  private SearchIndex() {}

  static String script(Answers answers) {
    List<Line> lines = answers.all().stream().map(SearchIndex::line).toList();
    String json = JsonMapper.shared().writeValueAsString(lines);
    return "window.lemmaIndex = " + json + ";\n";
  }

  private static Line line(Answer answer) {
    Node page = Markdown.parse(answer.body());
    List<String> keys = new ArrayList<>(answer.notes());
    for (Heading heading : Markdown.sections(page)) keys.add(Markdown.text(heading));
    var text = new StringBuilder();
    for (String sentence : answer.claims().values()) text.append(sentence).append(' ');
    for (Node node = page.getFirstChild(); node != null; node = node.getNext())
      if (node instanceof Block && !(node instanceof FencedCodeBlock || node instanceof Heading))
        text.append(Markdown.text(node)).append(' ');
    return new Line(
        Links.page(answer),
        answer.id(),
        answer.title(),
        answer.titleZh(),
        String.join(" · ", keys),
        text.toString().strip());
  }
}
