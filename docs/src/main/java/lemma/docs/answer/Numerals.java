package lemma.docs.answer;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/// Numbers as one says them.
public final class Numerals {
  private Numerals() {}

  /// Four digits at most; powers of ten where there would be a row of zeros; whole numbers whole.
  public static String format(double value) {
    if (Double.isNaN(value) || Double.isInfinite(value)) return Double.toString(value);
    if (value == Math.rint(value) && Math.abs(value) < 1e9)
      return String.format(Locale.ROOT, "%,d", (long) value).replace(',', '\u2009');
    if (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-3)
      return String.format(Locale.ROOT, "%.1e", value)
          .replace(".0e", "e")
          .replaceFirst("e([+-])0?", "e$1")
          .replace("e+", "e");
    return new BigDecimal(value).round(new MathContext(4)).stripTrailingZeros().toPlainString();
  }
}
