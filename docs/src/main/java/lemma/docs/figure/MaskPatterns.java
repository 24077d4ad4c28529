package lemma.docs.figure;

import java.util.LinkedHashMap;
import java.util.Map;
import lemma.core.attention.AttentionMask;

/// Who may look at whom in eight tokens, under each mask.
final class MaskPatterns {
  private static final int TOKENS = 8;
  private static final int CELL = 14;
  private static final int PANEL = TOKENS * CELL;
  private static final int GAP = 28;
  private static final int TOP = 24;
  private static final int PER_ROW = 3;

  private MaskPatterns() {}

  static Figure draw() {
    Map<String, AttentionMask> masks = new LinkedHashMap<>();
    masks.put("causal", new AttentionMask.Causal());
    masks.put("prefix of 4", new AttentionMask.Prefix(4));
    masks.put("bidirectional", new AttentionMask.Bidirectional());
    masks.put("sliding window of 3", new AttentionMask.SlidingWindow(3));
    masks.put("chunks of 4", new AttentionMask.Chunked(4));
    masks.put(
        "packed 3 + 5",
        new AttentionMask.Causal().and(new AttentionMask.Packed(0, 0, 0, 1, 1, 1, 1, 1)));

    int rows = (masks.size() + PER_ROW - 1) / PER_ROW;
    int width = PER_ROW * PANEL + (PER_ROW - 1) * GAP;
    int height = rows * (PANEL + TOP) + (rows - 1) * GAP / 2;
    StringBuilder svg = new StringBuilder();
    svg.append("<svg viewBox=\"0 0 %d %d\" fill=\"currentColor\">".formatted(width, height));
    int index = 0;
    for (var mask : masks.entrySet()) {
      int x = index % PER_ROW * (PANEL + GAP);
      int y = index / PER_ROW * (PANEL + TOP + GAP / 2) + TOP;
      svg.append(
          "<text x=\"%d\" y=\"%d\" font-size=\"11\">%s</text>".formatted(x, y - 8, mask.getKey()));
      for (int query = 0; query < TOKENS; query++)
        for (int key = 0; key < TOKENS; key++)
          svg.append(
              "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"2\" opacity=\"%s\"/>"
                  .formatted(
                      x + key * CELL,
                      y + query * CELL,
                      CELL - 2,
                      CELL - 2,
                      mask.getValue().allows(query, key) ? "0.8" : "0.1"));
      index++;
    }
    return new Figure.Drawing(
        "Each square: may the query of this row look at the key of this column? Dark means yes.",
        svg.append("</svg>").toString());
  }
}
