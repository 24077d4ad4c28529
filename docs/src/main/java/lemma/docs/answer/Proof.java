package lemma.docs.answer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// One test method's line in a module's ledger.
///
/// @param module the module whose tests it belongs to
/// @param sentence the method's name as a sentence
/// @param measured figure by its name
/// @param bounds the bound of a figure, where it has one, as `≤ 1e-6`
public record Proof(
    String module,
    String technique,
    String claim,
    String sentence,
    Verdict verdict,
    Map<String, String> measured,
    Map<String, String> bounds,
    double seconds,
    int cases,
    String testClass,
    String method,
    String file,
    int line) {

  /// The figures with their bounds: `max |Δ| 3e-13 ≤ 1e-12`.
  public List<String> figures() {
    List<String> figures = new ArrayList<>();
    measured.forEach((name, value) -> {
      String bound = bounds.get(name);
      figures.add(name + " " + shorten(value) + (bound == null ? "" : " " + shorten(bound)));
    });
    return figures;
  }

  /// A figure as one says it: 3.3306690738754696E-16 as 3.3e-16; the bound's sign stays.
  private static String shorten(String figure) {
    int space = figure.indexOf(' ') + 1;
    String sign = figure.substring(0, space);
    double value;
    try {
      value = Double.parseDouble(figure.substring(space));
    } catch (NumberFormatException e) {
      return figure;
    }
    return sign + Numerals.format(value);
  }

  /// The test's source from the project's root.
  public String path() {
    return module + "/src/test/java/" + file;
  }
}
