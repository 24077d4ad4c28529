package lemma.sampling.constrain;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// A small random grammar in Greibach's normal form, A → a B C …, and its recognition by a chart of
/// substrings, as Cocke, Younger and Kasami do it: nothing in common with stacks and automata.
///
/// Every second production ends in letters alone, so every rule derives some text.
record GreibachGrammar(List<List<Production>> rules) {
  record Production(char letter, List<Integer> rest) {}

  static GreibachGrammar random(RandomGenerator random) {
    int size = 1 + random.nextInt(4);
    List<List<Production>> rules = new ArrayList<>();
    for (int r = 0; r < size; r++) {
      List<Production> productions = new ArrayList<>();
      productions.add(new Production(letter(random), List.of()));
      for (int more = random.nextInt(4); more > 0; more--)
        productions.add(
            new Production(
                letter(random),
                IntStream.range(0, 1 + random.nextInt(2))
                    .mapToObj(i -> random.nextInt(size))
                    .toList()));
      rules.add(productions);
    }
    return new GreibachGrammar(rules);
  }

  private static char letter(RandomGenerator random) {
    return (char) ('a' + random.nextInt(3));
  }

  /// In our notation.
  String notation() {
    return IntStream.range(0, rules.size())
        .mapToObj(r ->
            (r == 0 ? "root" : "r" + r)
                + " ::= "
                + rules.get(r).stream()
                    .map(p ->
                        "\""
                            + p.letter
                            + "\""
                            + p.rest.stream()
                                .map(GreibachGrammar::name)
                                .collect(Collectors.joining()))
                    .collect(Collectors.joining(" | ")))
        .collect(Collectors.joining("\n"));
  }

  private static String name(int rule) {
    return rule == 0 ? " root" : " r" + rule;
  }

  /// `derives[r][i][j]`: rule r derives the letters from i to j.
  private boolean[][][] chart(String text) {
    int n = text.length();
    boolean[][][] derives = new boolean[rules.size()][n + 1][n + 1];
    for (int length = 1; length <= n; length++)
      for (int from = 0; from + length <= n; from++)
        for (int r = 0; r < rules.size(); r++)
          for (Production p : rules.get(r))
            derives[r][from][from + length] |=
                text.charAt(from) == p.letter && derives(p.rest, from + 1, from + length, derives);
    return derives;
  }

  private static boolean derives(List<Integer> rest, int from, int to, boolean[][][] derives) {
    if (rest.isEmpty()) return from == to;
    for (int cut = from + 1; cut <= to; cut++)
      if (derives[rest.getFirst()][from][cut]
          && derives(rest.subList(1, rest.size()), cut, to, derives)) return true;
    return false;
  }

  boolean matches(String text) {
    return chart(text)[0][0][text.length()];
  }

  /// Whether some text that the grammar derives begins like this.
  boolean canBegin(String text) {
    boolean[][][] derives = chart(text);
    int n = text.length();
    boolean[][] begins =
        new boolean[rules.size()][n + 1]; // the letters from i on begin a text of r
    for (int from = n; from >= 0; from--)
      for (int r = 0; r < rules.size(); r++)
        for (Production p : rules.get(r))
          begins[r][from] |=
              from == n
                  || text.charAt(from) == p.letter && begins(p.rest, from + 1, n, derives, begins);
    return begins[0][0];
  }

  private static boolean begins(
      List<Integer> rest, int from, int n, boolean[][][] derives, boolean[][] begins) {
    if (from == n) return true;
    if (rest.isEmpty()) return false;
    if (begins[rest.getFirst()][from]) return true;
    for (int cut = from + 1; cut <= n; cut++)
      if (derives[rest.getFirst()][from][cut]
          && begins(rest.subList(1, rest.size()), cut, n, derives, begins)) return true;
    return false;
  }
}
