package lemma.core.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lemma.core.tokenizer.AddedTokens.Section;
import lemma.core.tokenizer.Encoding.Token;

/// A tokenizer in the steps of Hugging Face's `tokenizer.json`.
///
/// ```
/// text → added tokens cut out → normaliser → pre-tokeniser → model → post-processor → ids
/// ids → tokens → decoder → text
/// ```
///
/// Every token knows the part of the text that it stands for. Where only ids are asked for and the
/// steps are those of byte-level BPE, [ByteLevelBpe] does the work.
public final class Pipeline implements Tokenizer {

  /// What a pipeline is made of.
  public record Steps(
      List<AddedToken> added,
      Normalizer normalizer,
      PreTokenizer preTokenizer,
      TokenModel model,
      PostProcessor postProcessor,
      Decoder decoder) {
    public Steps {
      added = List.copyOf(added);
    }
  }

  private final Steps steps;
  private final Map<Integer, AddedToken> addedById = new HashMap<>();
  private final AddedTokens inText;
  private final AddedTokens inNormalised;
  private final Vocabulary vocabulary;
  private final Optional<ByteLevelBpe> byteLevel;

  /// @throws IllegalArgumentException if an id has two tokens
  public Pipeline(Steps steps) {
    this.steps = steps;
    vocabulary = withAdded(steps.model().vocabulary(), steps.added());
    for (AddedToken token : steps.added()) addedById.put(token.id(), token);
    inText = new AddedTokens(steps.added().stream().filter(t -> !t.normalised()).toList());
    inNormalised =
        new AddedTokens(
            steps.added().stream().filter(AddedToken::normalised).toList(), steps.normalizer());
    byteLevel = ByteLevelBpe.of(steps, vocabulary, prefix());
  }

  private static Vocabulary withAdded(Vocabulary model, List<AddedToken> added) {
    List<String> tokens = new ArrayList<>(model.tokens());
    for (AddedToken token : added) {
      while (tokens.size() <= token.id()) tokens.add(null);
      String before = tokens.set(token.id(), token.content());
      if (before != null && !before.equals(token.content()))
        throw new IllegalArgumentException(
            "added token %s has id %d, which is %s".formatted(token.content(), token.id(), before));
    }
    return new Vocabulary(tokens);
  }

  public Steps steps() {
    return steps;
  }

  /// All tokens, the added ones among them.
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  /// The same as byte-level BPE, if that is what the steps are.
  public Optional<ByteLevelBpe> byteLevel() {
    return byteLevel;
  }

  @Override
  public int vocabularySize() {
    return vocabulary.size();
  }

  @Override
  public List<AddedToken> addedTokens() {
    return steps.added();
  }

  @Override
  public int[] prefix() {
    return prefix(steps.postProcessor());
  }

  private static int[] prefix(PostProcessor processor) {
    return switch (processor) {
      case Template template -> template.prefix();
      case PostProcessor.BertProcessing bert -> new int[] {bert.begin().id()};
      case PostProcessor.RobertaProcessing roberta -> new int[] {roberta.begin().id()};
      case PostProcessor.Sequence(List<PostProcessor> all) ->
          all.stream()
              .map(Pipeline::prefix)
              .filter(ids -> ids.length > 0)
              .findFirst()
              .orElse(new int[0]);
      case PostProcessor.ByteLevel _, PostProcessor.None _ -> new int[0];
    };
  }

  @Override
  public int[] encode(String text) {
    if (byteLevel.isPresent()) return byteLevel.get().encode(text);
    return sequence(text, 0, true).ids();
  }

  @Override
  public int[] encodeOrdinary(String text) {
    if (byteLevel.isPresent()) return byteLevel.get().encodeOrdinary(text);
    return sequence(text, 0, false).ids();
  }

  /// A text as tokens with their spans.
  ///
  /// @param special whether special tokens are put around it
  public Encoding encode(String text, boolean special) {
    return joined(steps.postProcessor().apply(List.of(sequence(text, 0, true)), special));
  }

  /// Two texts as the tokens of one.
  ///
  /// @param special whether special tokens are put around them
  public Encoding encode(String first, String second, boolean special) {
    return joined(
        steps
            .postProcessor()
            .apply(List.of(sequence(first, 0, true), sequence(second, 1, true)), special));
  }

  private static Encoding joined(List<Encoding> parts) {
    return new Encoding(parts.stream().flatMap(part -> part.tokens().stream()).toList());
  }

  /// The steps from the text to the model.
  private Encoding sequence(String text, int typeId, boolean special) {
    List<Token> tokens = new ArrayList<>();
    AlignedText whole = AlignedText.of(text);
    for (Section outer : inText.sections(whole.text(), special)) {
      AlignedText part = whole.slice(outer.from(), outer.to());
      if (outer.token() != null) {
        tokens.add(added(outer.token(), part, typeId));
        continue;
      }
      AlignedText normalised = steps.normalizer().apply(part);
      for (Section inner : inNormalised.sections(normalised.text(), special)) {
        AlignedText piece = normalised.slice(inner.from(), inner.to());
        if (inner.token() != null) tokens.add(added(inner.token(), piece, typeId));
        else tokenize(piece, typeId, tokens);
      }
    }
    return new Encoding(tokens);
  }

  private static Token added(AddedToken token, AlignedText part, int typeId) {
    int end = part.end(part.text().length() - 1);
    return new Token(token.id(), part.text(), part.start(0), end, typeId, false);
  }

  private void tokenize(AlignedText text, int typeId, List<Token> tokens) {
    for (AlignedText piece : steps.preTokenizer().split(text))
      for (Segment segment : steps.model().tokenize(piece.text()))
        tokens.add(
            new Token(
                segment.id(),
                vocabulary.token(segment.id()),
                piece.start(segment.from()),
                piece.end(segment.to() - 1),
                typeId,
                false));
  }

  @Override
  public byte[] bytes(int id) {
    return steps.decoder().bytes(written(id));
  }

  /// A token as the decoder reads it: the name of an added token is text, not bytes as characters.
  private String written(int id) {
    String token = vocabulary.token(id);
    return addedById.containsKey(id) && steps.decoder().readsBytes()
        ? ByteAlphabet.write(token.getBytes(StandardCharsets.UTF_8))
        : token;
  }

  @Override
  public DecodeStream stream() {
    DecodeStep step = steps.decoder().open();
    return new DecodeStream() {
      private final StringBuilder out = new StringBuilder();

      @Override
      public String next(int id) {
        step.accept(written(id), true, true, (text, _, _) -> out.append(text));
        return taken();
      }

      @Override
      public String end() {
        step.end((text, _, _) -> out.append(text));
        return taken();
      }

      private String taken() {
        String text = out.toString();
        out.setLength(0);
        return text;
      }
    };
  }

  @Override
  public boolean isSpecial(int id) {
    AddedToken token = addedById.get(id);
    return token != null && token.special();
  }
}
