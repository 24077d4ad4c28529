package lemma.sampling.constrain;

/// Texts that a context-free grammar derives from its rule `root`, in the notation of llama.cpp
/// (GBNF).
///
/// ```
/// # sums of numbers
/// root   ::= term ("+" term)*
/// term   ::= [0-9]{1,3} | "(" root ")"
/// ```
///
/// | written | matches |
/// |---|---|
/// | `name ::= …` | a rule, up to the next one; names of letters, digits, `-` and `_` |
/// | `"text"` `[a-z]` `[^"]` `.` | the text, a character of a set, not of it, any |
/// | `a b` `a \| b` `(…)` | a sequence, alternatives, a group |
/// | `x?` `x*` `x+` `x{m}` `x{m,}` `x{m,n}` | repetitions |
/// | `\n` `\r` `\t` `\"` `\\` `\[` `\]` `\-` `\^` `\x41` `\u0041` `\U0001F600` | also in sets |
/// | `# …` | a comment, up to the end of the line |
///
/// Rules may call each other and themselves, but not before they have read a character (left
/// recursion); such grammars are refused with the cycle.
public final class Grammar implements Constraint {
  private final String source;
  private final Network network;

  private Grammar(String source) {
    this.source = source;
    this.network = Network.of(GrammarParser.parse(source), "root");
  }

  /// @throws IllegalArgumentException naming the line or the rule that is wrong
  public static Grammar of(String rules) {
    return new Grammar(rules);
  }

  @Override
  public String source() {
    return source;
  }

  @Override
  public Network network() {
    return network;
  }
}
