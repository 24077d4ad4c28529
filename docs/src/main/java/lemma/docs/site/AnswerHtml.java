package lemma.docs.site;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import lemma.docs.answer.Answer;
import lemma.docs.markdown.DisplayMath;
import lemma.docs.markdown.InlineMath;
import lemma.docs.markdown.Markdown;
import org.commonmark.ext.gfm.tables.TablesExtension;
import org.commonmark.node.FencedCodeBlock;
import org.commonmark.node.Heading;
import org.commonmark.node.Link;
import org.commonmark.node.Node;
import org.commonmark.node.Paragraph;
import org.commonmark.node.SoftLineBreak;
import org.commonmark.renderer.NodeRenderer;
import org.commonmark.renderer.html.HtmlNodeRendererContext;
import org.commonmark.renderer.html.HtmlRenderer;
import org.commonmark.renderer.html.HtmlWriter;

/// Turns an answer's Markdown into HTML: sections, formulas, links, and fences filled in.
final class AnswerHtml {

  /// A section's anchor and its title as HTML.
  record Section(String anchor, String title) {}

  /// @param html the article's sections
  /// @param charts whether a chart is among them
  record Rendered(String html, List<Section> sections, boolean charts) {}

  private final Fences fences;
  private final Links links;

  AnswerHtml(Fences fences, Links links) {
    this.fences = fences;
    this.links = links;
  }

  /// Renders the page.
  ///
  /// @throws IllegalArgumentException naming the page if an anchor, figure or formula is broken
  Rendered render(Answer answer) throws IOException {
    try {
      return sections(answer, Markdown.parse(answer.body()));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          answer.chapter() + "/" + answer.id() + ".md: " + e.getMessage(), e);
    }
  }

  private Rendered sections(Answer answer, Node page) throws IOException {
    HtmlRenderer renderer = renderer(answer);
    var html = new StringBuilder();
    List<Section> sections = new ArrayList<>();
    boolean open = false;
    for (Node node = page.getFirstChild(); node != null; node = node.getNext()) {
      if (node instanceof Heading heading && heading.getLevel() <= 2) {
        if (open) html.append("</section>\n");
        Section section = section(heading, sections);
        sections.add(section);
        html.append(
            "<section id=\"%s\" class=\"section %s\"%s>\n<h2><a href=\"#%s\">%s</a></h2>\n"
                .formatted(
                    section.anchor,
                    section.anchor,
                    chinese(section.anchor) ? " lang=\"zh-Hans\"" : "",
                    section.anchor,
                    section.title));
        open = true;
      } else {
        html.append(renderer.render(node));
      }
    }
    if (open) html.append("</section>\n");
    String boxed =
        html.toString()
            .replace("<table>", "<div class=\"scroll\" tabindex=\"0\"><table>")
            .replace("</table>\n", "</table></div>\n");
    return new Rendered(boxed, sections, boxed.contains("class=\"chart\""));
  }

  private Section section(Heading heading, List<Section> before) {
    String anchor = Html.slug(Markdown.text(heading));
    String unique = anchor;
    for (int i = 2; taken(unique, before); i++) unique = anchor + "-" + i;
    return new Section(unique, inline(heading));
  }

  private static boolean taken(String anchor, List<Section> before) {
    return before.stream().anyMatch(section -> section.anchor.equals(anchor));
  }

  private static boolean chinese(String text) {
    return !text.isEmpty() && Character.isIdeographic(text.codePointAt(0));
  }

  /// A line of Markdown, such as a title or a claim's sentence, as HTML.
  static String inline(String markdown) {
    Node paragraph = Markdown.parse(markdown).getFirstChild();
    return paragraph instanceof Paragraph ? inline(paragraph) : Html.escape(markdown);
  }

  private static String inline(Node parent) {
    HtmlRenderer renderer =
        HtmlRenderer.builder().nodeRendererFactory(context -> new Formulas(context)).build();
    var html = new StringBuilder();
    for (Node child = parent.getFirstChild(); child != null; child = child.getNext())
      html.append(renderer.render(child));
    return html.toString();
  }

  private HtmlRenderer renderer(Answer answer) {
    return HtmlRenderer.builder()
        .nodeRendererFactory(context -> new Formulas(context))
        .nodeRendererFactory(context -> new Filled(context, answer))
        .extensions(List.of(TablesExtension.create()))
        .build();
  }

  /// Formulas as they were written, for the page's script to typeset.
  private record Formulas(HtmlNodeRendererContext context) implements NodeRenderer {
    @Override
    public Set<Class<? extends Node>> getNodeTypes() {
      return Set.of(InlineMath.class, DisplayMath.class, SoftLineBreak.class);
    }

    @Override
    public void render(Node node) {
      HtmlWriter writer = context.getWriter();
      switch (node) {
        case InlineMath math -> {
          writer.raw("<span class=\"math" + (math.display() ? " display" : "") + "\">");
          writer.text(math.latex());
          writer.raw("</span>");
        }
        case DisplayMath math -> {
          writer.raw("<div class=\"math display\" tabindex=\"0\">");
          writer.text(math.latex());
          writer.raw("</div>\n");
        }
        default -> writer.raw(betweenIdeographs(node) ? "" : "\n");
      }
    }

    /// Chinese is written without spaces: a line break in the source is none on the page.
    private static boolean betweenIdeographs(Node lineBreak) {
      return lineBreak.getPrevious() != null
          && lineBreak.getNext() != null
          && Markdown.joins(
              Markdown.text(lineBreak.getPrevious()), Markdown.text(lineBreak.getNext()));
    }
  }

  /// Fences that are filled in, and links between pages.
  private final class Filled implements NodeRenderer {
    private final HtmlNodeRendererContext context;
    private final Answer answer;

    Filled(HtmlNodeRendererContext context, Answer answer) {
      this.context = context;
      this.answer = answer;
    }

    @Override
    public Set<Class<? extends Node>> getNodeTypes() {
      return Set.of(FencedCodeBlock.class, Link.class);
    }

    @Override
    public void render(Node node) {
      HtmlWriter writer = context.getWriter();
      switch (node) {
        case FencedCodeBlock fence -> writer.raw(fences.html(fence, answer));
        case Link link -> {
          String target = links.resolve(answer, link.getDestination());
          if (!target.isEmpty()) writer.raw("<a href=\"" + Html.escape(target) + "\">");
          children(link);
          if (!target.isEmpty()) writer.raw("</a>");
        }
        default -> throw new IllegalStateException("not asked for: " + node);
      }
    }

    private void children(Node parent) {
      for (Node child = parent.getFirstChild(); child != null; child = child.getNext())
        context.render(child);
    }
  }
}
