package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.List;

/// A part of a text that became one piece.
///
/// @param id of the piece
/// @param from the first `char` of the text
/// @param to behind the last one
public record Segment(int id, int from, int to) {

  /// Neighbours with this id as one: a run of unknown characters is one unknown piece.
  public static List<Segment> fused(List<Segment> segments, int id) {
    List<Segment> result = new ArrayList<>();
    for (Segment each : segments) {
      if (each.id == id && !result.isEmpty() && result.getLast().id == id)
        result.add(new Segment(id, result.removeLast().from, each.to));
      else result.add(each);
    }
    return result;
  }
}
