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
    measured.forEach(
        (name, value) -> {
          String bound = bounds.get(name);
          figures.add(name + " " + value + (bound == null ? "" : " " + bound));
        });
    return figures;
  }

  /// The test's source from the project's root.
  public String path() {
    return module + "/src/test/java/" + file;
  }
}
