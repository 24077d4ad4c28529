package lemma.docs.markdown;

import java.util.Optional;
import org.commonmark.node.FencedCodeBlock;

/// What a fence asks the handbook to put in its place.
public sealed interface Directive {

  /// A piece of code: `source core norm/RmsNorm#apply`.
  record Source(String module, String anchor) implements Directive {}

  /// The table of a technique's claims: `proofs rms-norm`.
  record Proofs(String id) implements Directive {}

  /// The chart of its alternatives: `bench rms-norm`.
  record Bench(String id) implements Directive {}

  /// A figure drawn by the project's code: `figure rope-decay`.
  record Figure(String name) implements Directive {}

  /// The directive of a fence; empty if it is ordinary code.
  ///
  /// @throws IllegalArgumentException if it has too many or too few words, or lines of its own
  static Optional<Directive> of(FencedCodeBlock fence) {
    String info = fence.getInfo() == null ? "" : fence.getInfo().strip();
    String[] words = info.split("\\s+");
    Optional<Directive> directive =
        switch (words[0]) {
          case "source" -> {
            check(info, words, 3, "source MODULE path/Type#member");
            yield Optional.of(new Source(words[1], words[2]));
          }
          case "proofs" -> {
            check(info, words, 2, "proofs ID");
            yield Optional.of(new Proofs(words[1]));
          }
          case "bench" -> {
            check(info, words, 2, "bench ID");
            yield Optional.of(new Bench(words[1]));
          }
          case "figure" -> {
            check(info, words, 2, "figure NAME");
            yield Optional.of(new Figure(words[1]));
          }
          default -> Optional.empty();
        };
    if (directive.isPresent() && !fence.getLiteral().isBlank())
      throw new IllegalArgumentException("fence \"" + info + "\" is filled in and must be empty");
    return directive;
  }

  private static void check(String info, String[] words, int count, String form) {
    if (words.length != count)
      throw new IllegalArgumentException("fence \"" + info + "\" must be written " + form);
  }
}
