package lemma.docs.markdown;

import java.text.Normalizer;
import java.util.Map;

/// LaTeX as one would type it without: `\frac{x_0}{\sqrt{d}}` becomes `x₀/√d`.
///
/// For terminals and the search index. A command that it does not know stays as its name.
final class PlainMath {
  private static final Map<String, String> SYMBOLS =
      Map.ofEntries(
          Map.entry("alpha", "α"),
          Map.entry("beta", "β"),
          Map.entry("gamma", "γ"),
          Map.entry("delta", "δ"),
          Map.entry("Delta", "Δ"),
          Map.entry("epsilon", "ϵ"),
          Map.entry("varepsilon", "ε"),
          Map.entry("eta", "η"),
          Map.entry("theta", "θ"),
          Map.entry("lambda", "λ"),
          Map.entry("Lambda", "Λ"),
          Map.entry("mu", "μ"),
          Map.entry("pi", "π"),
          Map.entry("rho", "ρ"),
          Map.entry("sigma", "σ"),
          Map.entry("Sigma", "Σ"),
          Map.entry("tau", "τ"),
          Map.entry("phi", "φ"),
          Map.entry("varphi", "φ"),
          Map.entry("Phi", "Φ"),
          Map.entry("omega", "ω"),
          Map.entry("nabla", "∇"),
          Map.entry("partial", "∂"),
          Map.entry("sum", "Σ"),
          Map.entry("prod", "Π"),
          Map.entry("int", "∫"),
          Map.entry("infty", "∞"),
          Map.entry("cdot", "·"),
          Map.entry("times", "×"),
          Map.entry("odot", "⊙"),
          Map.entry("otimes", "⊗"),
          Map.entry("circ", "∘"),
          Map.entry("pm", "±"),
          Map.entry("le", "≤"),
          Map.entry("leq", "≤"),
          Map.entry("ge", "≥"),
          Map.entry("geq", "≥"),
          Map.entry("ne", "≠"),
          Map.entry("neq", "≠"),
          Map.entry("ll", "≪"),
          Map.entry("gg", "≫"),
          Map.entry("approx", "≈"),
          Map.entry("equiv", "≡"),
          Map.entry("propto", "∝"),
          Map.entry("sim", "~"),
          Map.entry("in", "∈"),
          Map.entry("to", "→"),
          Map.entry("rightarrow", "→"),
          Map.entry("Rightarrow", "⇒"),
          Map.entry("leftarrow", "←"),
          Map.entry("mapsto", "↦"),
          Map.entry("mid", "|"),
          Map.entry("lVert", "‖"),
          Map.entry("rVert", "‖"),
          Map.entry("|", "‖"),
          Map.entry("lfloor", "⌊"),
          Map.entry("rfloor", "⌋"),
          Map.entry("lceil", "⌈"),
          Map.entry("rceil", "⌉"),
          Map.entry("langle", "⟨"),
          Map.entry("rangle", "⟩"),
          Map.entry("top", "ᵀ"),
          Map.entry("dots", "…"),
          Map.entry("ldots", "…"),
          Map.entry("cdots", "…"),
          Map.entry("quad", "  "),
          Map.entry("qquad", "   "),
          Map.entry(",", " "),
          Map.entry(";", " "),
          Map.entry(":", " "),
          Map.entry(" ", " "),
          Map.entry("\\", "\n"));

  /// Spacing and sizes that plain text has not.
  private static final String DROPPED =
      " ! left right big Big bigl bigr Bigl Bigr limits displaystyle ";

  /// Marks that combine with the letter before them.
  private static final Map<String, String> ACCENTS =
      Map.of("bar", "\u0304", "overline", "\u0304", "hat", "\u0302", "tilde", "\u0303");

  private static final String RAISED_FROM = "0123456789+-=()niTkᵀ";
  private static final String RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵀᵏᵀ";
  private static final String LOWERED_FROM = "0123456789+-=()aehijklmnoprstuvx";
  private static final String LOWERED = "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ";

  private final String latex;
  private int at;

  private PlainMath(String latex) {
    this.latex = latex;
  }

  static String of(String latex) {
    var parser = new PlainMath(latex);
    var text = new StringBuilder();
    while (parser.at < latex.length()) text.append(parser.atom());
    return Normalizer.normalize(text, Normalizer.Form.NFC);
  }

  /// The next command, group, script or character, as plain text.
  private String atom() {
    char c = latex.charAt(at++);
    return switch (c) {
      case '{' -> group();
      case '}', '&' -> "";
      case '\\' -> command(name());
      case '_' -> script(argument(), LOWERED_FROM, LOWERED, "_");
      case '^' -> script(argument(), RAISED_FROM, RAISED, "^");
      default -> String.valueOf(c);
    };
  }

  private String group() {
    var text = new StringBuilder();
    while (at < latex.length() && latex.charAt(at) != '}') text.append(atom());
    at++;
    return text.toString();
  }

  /// A run of letters, or one other character.
  private String name() {
    int start = at;
    while (at < latex.length() && Character.isLetter(latex.charAt(at))) at++;
    if (at == start && at < latex.length()) at++;
    return latex.substring(start, at);
  }

  private String argument() {
    while (at < latex.length() && latex.charAt(at) == ' ') at++;
    return at < latex.length() ? atom() : "";
  }

  private String command(String name) {
    if (DROPPED.contains(" " + name + " ")) return "";
    if (ACCENTS.containsKey(name)) return accented(argument(), ACCENTS.get(name));
    return switch (name) {
      case "frac", "tfrac", "dfrac" -> joined(argument()) + "/" + joined(argument());
      case "sqrt" -> "√" + joined(argument());
      case "begin", "end" -> {
        argument();
        yield "";
      }
      case "mathbb" -> {
        String letter = argument();
        yield letter.equals("E") ? "𝔼" : letter.equals("R") ? "ℝ" : letter;
      }
      case "text", "mathrm", "mathbf", "mathcal", "mathit", "operatorname" -> argument();
      default -> SYMBOLS.getOrDefault(name, name);
    };
  }

  /// One term carries the mark; more stand in parentheses before it.
  private static String accented(String text, String mark) {
    return joined(text) + mark;
  }

  /// In parentheses if an operator in it would bind less than the one outside.
  private static String joined(String text) {
    boolean one = text.codePoints().allMatch(c -> Character.isLetterOrDigit(c) || isScript(c));
    return one || text.startsWith("(") && text.endsWith(")") ? text : "(" + text + ")";
  }

  private static boolean isScript(int c) {
    return c == '.'
        || c == '√'
        || c == '∞'
        || Character.getType(c) == Character.NON_SPACING_MARK
        || RAISED.indexOf(c) >= 0
        || LOWERED.indexOf(c) >= 0;
  }

  /// Small letters where all of them exist, else the mark and the text.
  private static String script(String text, String from, String to, String mark) {
    var small = new StringBuilder();
    for (char c : text.toCharArray()) {
      int index = from.indexOf(c);
      if (index < 0) return mark + joined(text);
      small.append(to.charAt(index));
    }
    return small.toString();
  }
}
