package lemma.docs.markdown;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlainMathTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '@',
      textBlock =
          """
          T\\to\\infty                              @ T→∞
          \\sqrt d                                  @ √d
          \\sqrt{d/2}                               @ √(d/2)
          \\frac{x_0}{\\sqrt{d}}                    @ x₀/√d
          \\sigma(t)=\\frac{s\\,t}{1+(s-1)t}        @ σ(t)=(s t)/(1+(s-1)t)
          \\bar\\alpha_{-1}=1                       @ ᾱ₋₁=1
          \\hat x_0                                 @ x̂₀
          q(x_{t-1}\\mid x_t,x_0)                   @ q(xₜ₋₁| xₜ,x₀)
          10^{-4}                                   @ 10⁻⁴
          QK^\\top                                  @ QKᵀ
          \\cos^2\\!\\big(\\tfrac\\pi2\\big)        @ cos²(π/2)
          x_{\\text{max}}                           @ xₘₐₓ
          a &= b                                    @ a = b
          \\unknown{x}                              @ unknownx
          """)
  void a_formula_reads_as_one_would_type_it(String latex, String plain) {
    assertThat(PlainMath.of(latex)).isEqualTo(plain);
  }

  @ParameterizedTest
  @CsvSource({"'\\frac{a'", "'{'", "'x_'", "'\\'", "'\\sqrt'", "'}'"})
  void an_unfinished_formula_is_no_error(String latex) {
    assertThat(PlainMath.of(latex)).isNotNull();
  }
}
