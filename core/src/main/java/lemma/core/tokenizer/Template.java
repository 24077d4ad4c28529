package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import lemma.core.tokenizer.Encoding.Token;
import lemma.core.tokenizer.PostProcessor.Special;

/// Special tokens around one text or two, as a file lists them: `TemplateProcessing`.
///
/// ```
/// single  [CLS]:0 A:0 [SEP]:0
/// pair    [CLS]:0 A:0 [SEP]:0 B:1 [SEP]:1
/// ```
public record Template(List<Part> single, List<Part> pair) implements PostProcessor {

  /// One part of a template.
  public sealed interface Part {
    /// The type id of its tokens.
    int typeId();
  }

  /// A text: the first one or the second.
  public record Text(boolean second, int typeId) implements Part {}

  /// Special tokens under one name.
  public record Tokens(List<Special> tokens, int typeId) implements Part {
    public Tokens {
      tokens = List.copyOf(tokens);
    }
  }

  /// @throws IllegalArgumentException if a single text is asked for its second
  public Template {
    single = List.copyOf(single);
    pair = List.copyOf(pair);
    for (Part part : single)
      if (part instanceof Text(boolean second, int _) && second)
        throw new IllegalArgumentException("the template for single texts asks for text B");
  }

  @Override
  public List<Encoding> apply(List<Encoding> texts, boolean special) {
    List<Encoding> result = new ArrayList<>();
    for (Part part : texts.size() == 1 ? single : pair)
      switch (part) {
        case Text(boolean second, int type) -> result.add(texts.get(second ? 1 : 0).withType(type));
        case Tokens(List<Special> tokens, int type) -> {
          if (special)
            result.add(
                new Encoding(
                    tokens.stream()
                        .map(token -> Token.special(token.id(), token.text(), type))
                        .toList()));
        }
      }
    return result;
  }

  /// The ids in front of a single text.
  int[] prefix() {
    return single.stream()
        .takeWhile(Tokens.class::isInstance)
        .flatMapToInt(part -> ids((Tokens) part))
        .toArray();
  }

  private static IntStream ids(Tokens part) {
    return part.tokens().stream().mapToInt(Special::id);
  }
}
