package lemma.core.tokenizer;

import java.util.Arrays;

/// A prefix tree of texts over code points: all pieces that begin at a place are found in one walk.
///
/// All edges stand in one hash table, by (node, code point), open addressed.
final class PieceTrie {
  static final int NONE = -1;
  static final int ROOT = 0;

  private static final int CODE_POINT_BITS = 21;
  private static final long MIX = 0x9E3779B97F4A7C15L; // 2⁶⁴ over the golden ratio

  private long[] edges = new long[1 << 8]; // a node and a code point, plus 1; 0 is free
  private int[] targets = new int[edges.length];
  private int[] ids = new int[1 << 6]; // by node; NONE inside of a piece
  private int nodes = 1;
  private int longest;

  PieceTrie() {
    ids[ROOT] = NONE;
  }

  /// Adds a text.
  ///
  /// @throws IllegalArgumentException if it is there already
  void add(String text, int id) {
    int node = ROOT;
    for (int i = 0; i < text.length(); ) {
      int codePoint = text.codePointAt(i);
      node = childOrNew(node, codePoint);
      i += Character.charCount(codePoint);
    }
    if (ids[node] != NONE)
      throw new IllegalArgumentException(
          "piece %s has the ids %d and %d".formatted(text, ids[node], id));
    ids[node] = id;
    longest = Math.max(longest, text.length());
  }

  /// The length of the longest text, in `char`s.
  int longest() {
    return longest;
  }

  /// The node behind a code point, or [#NONE].
  int child(int node, int codePoint) {
    long edge = edge(node, codePoint);
    for (int slot = slot(edge); edges[slot] != 0; slot = (slot + 1) & (edges.length - 1))
      if (edges[slot] == edge) return targets[slot];
    return NONE;
  }

  /// The id of the text that ends at a node, or [#NONE].
  int id(int node) {
    return ids[node];
  }

  /// The id of `text[from, to)`, or [#NONE].
  int find(String text, int from, int to) {
    int node = ROOT;
    for (int i = from; i < to && node != NONE; ) {
      int codePoint = text.codePointAt(i);
      node = child(node, codePoint);
      i += Character.charCount(codePoint);
    }
    return node == NONE ? NONE : ids[node];
  }

  /// Where the longest text that begins at `from` ends, or [#NONE].
  int longestMatch(String text, int from) {
    int end = NONE;
    int node = ROOT;
    for (int i = from; i < text.length(); ) {
      int codePoint = text.codePointAt(i);
      node = child(node, codePoint);
      if (node == NONE) break;
      i += Character.charCount(codePoint);
      if (ids[node] != NONE) end = i;
    }
    return end;
  }

  private int childOrNew(int node, int codePoint) {
    int child = child(node, codePoint);
    if (child != NONE) return child;
    if (nodes == ids.length) ids = Arrays.copyOf(ids, 2 * nodes);
    if (2 * nodes > edges.length) grow();
    ids[nodes] = NONE;
    put(edge(node, codePoint), nodes);
    return nodes++;
  }

  private void grow() {
    long[] before = edges;
    int[] beforeTargets = targets;
    edges = new long[2 * before.length];
    targets = new int[edges.length];
    for (int i = 0; i < before.length; i++) if (before[i] != 0) put(before[i], beforeTargets[i]);
  }

  private void put(long edge, int target) {
    int slot = slot(edge);
    while (edges[slot] != 0) slot = (slot + 1) & (edges.length - 1);
    edges[slot] = edge;
    targets[slot] = target;
  }

  private static long edge(int node, int codePoint) {
    return ((long) node << CODE_POINT_BITS | codePoint) + 1;
  }

  private int slot(long edge) {
    return (int) (edge * MIX >>> (1 + Long.numberOfLeadingZeros(edges.length)));
  }
}
