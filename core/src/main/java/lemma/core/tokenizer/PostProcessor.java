package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import lemma.core.tokenizer.Encoding.Token;

/// The last step of encoding: special tokens around one text or two, type ids, and spans without the
/// spaces that tokens carry.
///
/// Each record is one `post_processor` of Hugging Face's `tokenizer.json`, by its name there.
public sealed interface PostProcessor
    permits PostProcessor.BertProcessing,
        PostProcessor.ByteLevel,
        PostProcessor.None,
        PostProcessor.RobertaProcessing,
        PostProcessor.Sequence,
        Template {

  /// The parts that make up the result, joined: from one text or two, with type ids 0 and 1.
  ///
  /// @param special whether special tokens are put in
  List<Encoding> apply(List<Encoding> texts, boolean special);

  /// Leaves everything as it is.
  record None() implements PostProcessor {
    @Override
    public List<Encoding> apply(List<Encoding> texts, boolean special) {
      return texts;
    }
  }

  /// Each in turn.
  record Sequence(List<PostProcessor> steps) implements PostProcessor {
    public Sequence {
      steps = List.copyOf(steps);
    }

    @Override
    public List<Encoding> apply(List<Encoding> texts, boolean special) {
      List<Encoding> result = texts;
      for (PostProcessor step : steps) result = step.apply(result, special);
      return result;
    }
  }

  /// A special token.
  record Special(int id, String text) {
    private Encoding around(Encoding inside, boolean before, int type) {
      Token token = Token.special(id, text, type);
      Stream<Token> front = before ? Stream.of(token) : Stream.empty();
      Stream<Token> back = before ? Stream.empty() : Stream.of(token);
      return new Encoding(
          Stream.of(front, inside.tokens().stream(), back).flatMap(part -> part).toList());
    }

    Encoding before(Encoding inside, int type) {
      return around(inside, true, type);
    }

    Encoding behind(Encoding inside, int type) {
      return around(inside, false, type);
    }
  }

  /// BERT: `[CLS] A [SEP] B [SEP]`, type 1 from B on.
  record BertProcessing(Special separator, Special begin) implements PostProcessor {
    @Override
    public List<Encoding> apply(List<Encoding> texts, boolean special) {
      if (!special) return texts;
      List<Encoding> result = new ArrayList<>();
      for (int i = 0; i < texts.size(); i++) {
        Encoding ended = separator.behind(texts.get(i), i == 0 ? 0 : 1);
        result.add(i == 0 ? begin.before(ended, 0) : ended);
      }
      return result;
    }
  }

  /// RoBERTa: `<s> A </s> </s> B </s>`, every type 0.
  record RobertaProcessing(
      Special separator, Special begin, boolean trimOffsets, boolean addPrefixSpace)
      implements PostProcessor {
    @Override
    public List<Encoding> apply(List<Encoding> texts, boolean special) {
      List<Encoding> result = new ArrayList<>();
      for (int i = 0; i < texts.size(); i++) {
        Encoding text = trimOffsets ? trimmed(texts.get(i), addPrefixSpace) : texts.get(i);
        text = text.withType(0);
        if (special) text = separator.behind((i == 0 ? begin : separator).before(text, 0), 0);
        result.add(text);
      }
      return result;
    }
  }

  /// Takes the spaces of byte-level tokens out of their spans.
  record ByteLevel(boolean trimOffsets, boolean addPrefixSpace) implements PostProcessor {
    @Override
    public List<Encoding> apply(List<Encoding> texts, boolean special) {
      if (!trimOffsets) return texts;
      return texts.stream().map(text -> trimmed(text, addPrefixSpace)).toList();
    }
  }

  /// Spans without the white space at the ends of tokens. The space that was put in front of the text
  /// is in no span to begin with.
  private static Encoding trimmed(Encoding text, boolean addPrefixSpace) {
    List<Token> tokens = new ArrayList<>();
    for (Token token : text.tokens()) {
      String name = token.text();
      int leading = 0;
      while (leading < name.length() && space(name.charAt(leading))) leading++;
      int trailing = 0;
      while (trailing < name.length() && space(name.charAt(name.length() - 1 - trailing)))
        trailing++;
      boolean first = tokens.isEmpty() || token.start() == 0;
      if (first && addPrefixSpace && leading == 1) leading = 0;
      int start = Math.min(token.start() + leading, token.end());
      int end =
          trailing > 0 && token.end() >= trailing
              ? Math.max(token.end() - trailing, start)
              : token.end();
      tokens.add(new Token(token.id(), name, start, end, token.typeId(), token.special()));
    }
    return new Encoding(tokens);
  }

  private static boolean space(char c) {
    return c == ByteAlphabet.character(' ') || CharacterClass.whiteSpace(c);
  }
}
