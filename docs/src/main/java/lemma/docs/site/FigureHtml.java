package lemma.docs.site;

import static lemma.docs.site.Html.escape;

import java.util.Base64;
import lemma.docs.figure.Figure;

/// A figure with its caption.
final class FigureHtml {
  private FigureHtml() {}

  static String of(Figure figure) {
    String caption = escape(figure.caption());
    String content =
        switch (figure) {
          case Figure.Chart chart ->
              """
              <div class="chart" style="height:%dpx" role="img" aria-label="%s"><script type="application/json">%s</script></div>\
              """
                  .formatted(
                      chart.height(), caption, chart.option().toString().replace("</", "<\\/"));
          case Figure.Picture picture ->
              """
              <img alt="%s" width="%d" height="%d" src="data:image/png;base64,%s">\
              """
                  .formatted(
                      caption,
                      picture.width(),
                      picture.height(),
                      Base64.getEncoder().encodeToString(picture.png()));
          case Figure.Drawing drawing ->
              "<div class=\"drawing\" role=\"img\" aria-label=\"%s\">%s</div>"
                  .formatted(caption, drawing.svg());
        };
    return "<figure class=\"drawn\">\n%s\n<figcaption>%s</figcaption>\n</figure>\n"
        .formatted(content, caption);
  }
}
