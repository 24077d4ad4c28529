package lemma.docs.figure;

import tools.jackson.databind.node.ObjectNode;

/// A figure of a page. Every figure says in words what it shows.
public sealed interface Figure {

  /// What the figure shows: its caption, and its description where it cannot be seen.
  String caption();

  /// A chart as an option of ECharts, without colours: those follow the page's theme.
  ///
  /// @param height in CSS pixels
  record Chart(String caption, ObjectNode option, int height) implements Figure {}

  /// A raster image, as PNG.
  record Picture(String caption, byte[] png, int width, int height) implements Figure {
    public Picture {
      if (png.length < 8 || png[0] != (byte) 0x89 || png[1] != 'P')
        throw new IllegalArgumentException("png must be a PNG, was " + png.length + " other bytes");
    }
  }

  /// A drawing, as one `<svg>` element with a `viewBox`; `currentColor` follows the page's theme.
  record Drawing(String caption, String svg) implements Figure {
    public Drawing {
      if (!svg.startsWith("<svg") || !svg.contains("viewBox="))
        throw new IllegalArgumentException("svg must be one <svg> element with a viewBox");
    }
  }
}
