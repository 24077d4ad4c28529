package lemma.sampling.generate;

import java.util.List;

/// Watches a growing text for stop sequences and releases what cannot be part of one.
///
/// ```
/// held back = longest suffix that is a proper prefix of a stop sequence
/// ```
///
/// A stop sequence may span any number of pieces. The text is cut before the earliest match. For one
/// text.
public final class StopText {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean stopped;

  /// @throws IllegalArgumentException if a stop sequence is empty
  public StopText(List<String> stops) {
    this.stops = List.copyOf(stops);
    if (this.stops.contains(""))
      throw new IllegalArgumentException("stop sequences must not be empty: " + quoted());
  }

  private List<String> quoted() {
    return stops.stream().map(stop -> '"' + stop + '"').toList();
  }

  /// Whether a stop sequence has come; nothing is released afterwards.
  public boolean stopped() {
    return stopped;
  }

  /// The text that this piece makes safe to show.
  public String accept(String piece) {
    if (stopped) return "";
    held.append(piece);
    int cut = earliestStop();
    stopped = cut >= 0;
    return release(stopped ? cut : held.length() - possibleStart());
  }

  /// The rest, when no more pieces come.
  public String end() {
    return stopped ? "" : release(held.length());
  }

  private String release(int length) {
    String text = held.substring(0, length);
    if (stopped) held.setLength(0);
    else held.delete(0, length);
    return text;
  }

  /// Where the first stop sequence begins, −1 if there is none.
  private int earliestStop() {
    int earliest = -1;
    for (String stop : stops) {
      int at = held.indexOf(stop);
      if (at >= 0 && (earliest < 0 || at < earliest)) earliest = at;
    }
    return earliest;
  }

  /// Length of the longest suffix with which a stop sequence could begin.
  private int possibleStart() {
    int longest = 0;
    for (String stop : stops)
      for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--)
        if (stop.startsWith(held.substring(held.length() - length))) longest = length;
    return longest;
  }
}
