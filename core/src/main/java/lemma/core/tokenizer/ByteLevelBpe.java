package lemma.core.tokenizer;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lemma.core.tokenizer.AddedTokens.Section;

/// Byte-level BPE: the tokenizer of GPT-2, GPT-4, Llama 3 and Qwen.
///
/// ```
/// text → added tokens cut out → pieces → UTF-8 bytes → merges → ids
/// ```
///
/// The 256 bytes are in the vocabulary, so every text can be encoded without an unknown token, and
/// decoding gives it back. Text that is no Unicode, a surrogate without its partner, is encoded as
/// U+FFFD.
///
/// Most pieces are tokens, so each is looked up as a whole first, if its merges are known to end
/// there.
///
/// Radford et al. 2019 (GPT-2), section 2.2. Answer: `tokenizer/bpe.md`.
public final class ByteLevelBpe implements Tokenizer {
  private final Vocabulary vocabulary;
  private final List<Merge> mergeList;
  private final BpeMerges merges;
  private final List<AddedToken> added;
  private final AddedTokens addedTokens;
  private final PublishedPattern pattern;
  private final boolean wholePieces;
  private final int[] prefix;

  private final byte[][] bytes;
  private final int[] ofByte = new int[256];
  private final PieceTable pieces;

  /// @param tokens every token by its id, in the letters of [ByteAlphabet]; an added token by its
  ///     content
  /// @param merges in the order in which they were learned, between ids
  /// @param wholePieces whether a piece that is a token is taken as it is, whatever the merges say:
  ///     `ignore_merges` of Llama 3
  /// @param prefix ids in front of every text
  /// @throws IllegalArgumentException if a byte is missing, a token is there twice or is neither of
  ///     bytes nor added, or an id is outside the vocabulary
  public ByteLevelBpe(
      List<String> tokens,
      List<Merge> merges,
      List<AddedToken> added,
      PublishedPattern pattern,
      boolean wholePieces,
      int... prefix) {
    this(
        new Vocabulary(tokens), merges, new BpeMerges(merges), added, pattern, wholePieces, prefix);
  }

  private ByteLevelBpe(
      Vocabulary vocabulary,
      List<Merge> mergeList,
      BpeMerges merges,
      List<AddedToken> added,
      PublishedPattern pattern,
      boolean wholePieces,
      int... prefix) {
    this.vocabulary = vocabulary;
    this.mergeList = List.copyOf(mergeList);
    this.merges = merges;
    this.added = List.copyOf(added);
    this.addedTokens = new AddedTokens(added);
    this.pattern = pattern;
    this.wholePieces = wholePieces;
    this.prefix = prefix.clone();
    this.bytes = new byte[vocabulary.size()][];
    addNamed();
    addBytes();
    for (Merge merge : mergeList) {
      vocabulary.token(merge.left());
      vocabulary.token(merge.right());
      vocabulary.token(merge.merged());
    }
    for (int id : prefix) vocabulary.token(id);
    pieces = new PieceTable(wholePieces());
  }

  private void addNamed() {
    for (AddedToken token : added) {
      if (!vocabulary.token(token.id()).equals(token.content()))
        throw new IllegalArgumentException(
            "added token %s has id %d, which is %s"
                .formatted(token.content(), token.id(), vocabulary.token(token.id())));
      if (bytes[token.id()] != null)
        throw new IllegalArgumentException("added token " + token.content() + " is there twice");
      bytes[token.id()] = token.content().getBytes(StandardCharsets.UTF_8);
    }
  }

  private void addBytes() {
    for (int id = 0; id < vocabulary.size(); id++) {
      if (bytes[id] != null || !vocabulary.has(id)) continue;
      String token = vocabulary.token(id);
      if (token.isEmpty() || !ByteAlphabet.holds(token))
        throw new IllegalArgumentException(
            "token %d, \"%s\", is not written in the byte alphabet".formatted(id, token));
      bytes[id] = ByteAlphabet.read(token);
    }
    for (int b = 0; b < 256; b++) {
      OptionalInt id = vocabulary.id(String.valueOf(ByteAlphabet.character(b)));
      if (id.isEmpty()) throw new IllegalArgumentException("there is no token for byte " + b);
      ofByte[b] = id.getAsInt();
    }
  }

  /// The pieces that become one token: all that are tokens, or those at which their merges end.
  private List<PieceTable.Entry> wholePieces() {
    List<PieceTable.Entry> entries = new ArrayList<>();
    var piece = new BpeMerges.Piece();
    for (int id = 0; id < bytes.length; id++) {
      if (bytes[id] == null || !ByteAlphabet.holds(vocabulary.token(id))) continue;
      Optional<String> text = text(ByteAlphabet.read(vocabulary.token(id)));
      if (text.isEmpty()) continue;
      piece.reserve(bytes[id].length);
      for (byte b : bytes[id]) piece.add(ofByte[b & 0xFF], 0);
      if (!wholePieces) merges.merge(piece);
      if (wholePieces || piece.length == 1 && piece.symbols[0] == id)
        entries.add(new PieceTable.Entry(text.get(), id));
    }
    return entries;
  }

  private static Optional<String> text(byte[] utf8) {
    try {
      return Optional.of(
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString());
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  /// A tokenizer as tiktoken has it: tokens of bytes with ranks, which are their ids, and no list of
  /// merges. Any two tokens whose bytes together are a token may merge; the least rank goes first.
  ///
  /// @param ranked the bytes of each token by its id; null where an id is not a token of text
  /// @param added tokens with ids that are not in use, or beyond
  static ByteLevelBpe ofRanks(
      List<byte[]> ranked, List<AddedToken> added, PublishedPattern pattern) {
    List<String> tokens = new ArrayList<>();
    for (byte[] token : ranked) tokens.add(token == null ? null : ByteAlphabet.write(token));
    var ranks = new Vocabulary(tokens);
    List<Merge> splits = new ArrayList<>();
    for (int id = 0; id < tokens.size(); id++) {
      String token = tokens.get(id);
      for (int cut = 1; token != null && cut < token.length(); cut++) {
        OptionalInt left = ranks.id(token.substring(0, cut));
        if (left.isEmpty()) continue;
        OptionalInt right = ranks.id(token.substring(cut));
        if (right.isPresent()) splits.add(new Merge(left.getAsInt(), right.getAsInt(), id));
      }
    }
    for (AddedToken token : added) {
      while (tokens.size() <= token.id()) tokens.add(null);
      if (tokens.get(token.id()) == null) tokens.set(token.id(), token.content());
    }
    return new ByteLevelBpe(
        new Vocabulary(tokens), splits, BpeMerges.byRank(splits), added, pattern, true);
  }

  /// The steps of a file as byte-level BPE, if they are nothing else.
  static Optional<ByteLevelBpe> of(Pipeline.Steps steps, Vocabulary vocabulary, int... prefix) {
    Optional<PublishedPattern> pattern = pattern(steps.preTokenizer());
    if (pattern.isEmpty()
        || !(steps.normalizer() instanceof Normalizer.None)
        || !(steps.decoder() instanceof Decoder.ByteLevel)
        || !(steps.model() instanceof BpeModel model)
        || !model.options().prefix().isEmpty()
        || !model.options().suffix().isEmpty()
        || steps.added().stream().map(AddedToken::normalised).distinct().count() > 1)
      return Optional.empty();
    for (int b = 0; b < 256; b++)
      if (model.vocabulary().id(String.valueOf(ByteAlphabet.character(b))).isEmpty())
        return Optional.empty();
    Set<Integer> added = steps.added().stream().map(AddedToken::id).collect(Collectors.toSet());
    for (int id = 0; id < vocabulary.size(); id++)
      if (vocabulary.has(id) && !ByteAlphabet.holds(vocabulary.token(id)) && !added.contains(id))
        return Optional.empty();
    return Optional.of(
        new ByteLevelBpe(
            vocabulary,
            model.merges(),
            new BpeMerges(model.merges()),
            steps.added(),
            pattern.get(),
            model.options().wholePieces(),
            prefix));
  }

  private static Optional<PublishedPattern> pattern(PreTokenizer preTokenizer) {
    return switch (preTokenizer) {
      case PreTokenizer.ByteLevel(boolean space, boolean split) when !space && split ->
          Optional.of(PublishedPattern.GPT2);
      case PreTokenizer.Sequence(List<PreTokenizer> steps) when steps.size() == 2 ->
          steps.getFirst() instanceof PreTokenizer.Published(PublishedPattern known)
                  && steps.getLast().equals(new PreTokenizer.ByteLevel(false, false))
              ? Optional.of(known)
              : Optional.empty();
      default -> Optional.empty();
    };
  }

  /// Learns a vocabulary: ids 0 … 255 are the bytes, then the merges, then the special tokens.
  ///
  /// Ties go to the pair that occurs first, so the same texts give the same vocabulary. It is smaller
  /// than asked for if no pair is left that occurs twice.
  ///
  /// @throws IllegalArgumentException if there is no room for the bytes and the special tokens
  public static ByteLevelBpe train(
      List<String> texts, int vocabularySize, PublishedPattern pattern, String... special) {
    int count = vocabularySize - 256 - special.length;
    if (count < 0)
      throw new IllegalArgumentException(
          "vocabularySize must be at least %d, was %d"
              .formatted(256 + special.length, vocabularySize));
    Map<String, Long> pieces = new LinkedHashMap<>();
    for (String text : texts)
      for (String piece : pattern.split(text)) pieces.merge(piece, 1L, Long::sum);
    List<BpeTraining.Word> words = new ArrayList<>();
    pieces.forEach((piece, times) -> {
      byte[] utf8 = piece.getBytes(StandardCharsets.UTF_8);
      int[] symbols = IntStream.range(0, utf8.length).map(i -> utf8[i] & 0xFF).toArray();
      words.add(new BpeTraining.Word(symbols, times));
    });
    List<String> tokens = new ArrayList<>();
    for (int b = 0; b < 256; b++) tokens.add(String.valueOf(ByteAlphabet.character(b)));
    List<Merge> merges =
        new BpeTraining(count, 2, BpeTraining.Ties.FIRST, true)
            .learn(words, tokens).stream().map(BpeTraining.Learned::merge).toList();
    for (Merge merge : merges)
      if (merge.merged() == tokens.size())
        tokens.add(tokens.get(merge.left()) + tokens.get(merge.right()));
    List<AddedToken> added = new ArrayList<>();
    for (String content : special) {
      added.add(new AddedToken(tokens.size(), content, true));
      tokens.add(content);
    }
    return new ByteLevelBpe(tokens, merges, added, pattern, false);
  }

  @Override
  public int vocabularySize() {
    return vocabulary.size();
  }

  @Override
  public int[] encode(String text) {
    return encode(text, true);
  }

  @Override
  public int[] encodeOrdinary(String text) {
    return encode(text, false);
  }

  private int[] encode(String text, boolean special) {
    char[] characters = text.toCharArray();
    boolean changed = replaceLoneSurrogates(characters);
    var run = new Run(characters);
    for (Section section : addedTokens.sections(changed ? new String(characters) : text, special)) {
      if (section.token() != null) run.add(section.token().id());
      else run.encode(section.from(), section.to());
    }
    return Arrays.copyOf(run.ids, run.count);
  }

  private static boolean replaceLoneSurrogates(char[] text) {
    boolean changed = false;
    for (int i = 0; i < text.length; i++) {
      if (!Character.isSurrogate(text[i])) continue;
      if (Character.isHighSurrogate(text[i])
          && i + 1 < text.length
          && Character.isLowSurrogate(text[i + 1])) i++;
      else {
        text[i] = '\uFFFD';
        changed = true;
      }
    }
    return changed;
  }

  /// One text on its way to ids.
  private final class Run {
    private final char[] text;
    private final BpeMerges.Piece piece = new BpeMerges.Piece();
    private final PackedPiece packed = new PackedPiece();
    private final PieceCache cache;
    private int[] ids = new int[64];
    private int count;

    Run(char[] text) {
      this.text = text;
      cache = new PieceCache(text.length);
    }

    void add(int id) {
      if (count == ids.length) ids = Arrays.copyOf(ids, 2 * count);
      ids[count++] = id;
    }

    void encode(int from, int to) {
      for (int begin = from; begin < to; ) {
        int end = pattern.end(text, begin, to);
        if (packed.pack(text, begin, end)) shortPiece(begin, end);
        else {
          int whole = pieces.get(text, begin, end);
          if (whole >= 0) add(whole);
          else merge(begin, end);
        }
        begin = end;
      }
    }

    private void shortPiece(int from, int to) {
      int whole = pieces.get(packed);
      if (whole >= 0) {
        add(whole);
        return;
      }
      long before = cache.get(packed);
      if (before != 0) {
        int at = (int) (before >> 32);
        for (int i = 0; i < (int) before; i++) add(ids[at + i]);
        return;
      }
      int begin = count;
      merge(from, to);
      cache.put(packed, begin, count - begin);
    }

    private void merge(int from, int to) {
      piece.reserve(3 * (to - from)); // a char is 3 bytes at most
      for (int i = from; i < to; i++) {
        int c = text[i];
        if (c < 0x80) {
          piece.add(ofByte[c], 0);
        } else if (c < 0x800) {
          piece.add(ofByte[0xC0 | c >> 6], 0);
          piece.add(ofByte[0x80 | c & 0x3F], 0);
        } else if (!Character.isSurrogate((char) c)) {
          piece.add(ofByte[0xE0 | c >> 12], 0);
          piece.add(ofByte[0x80 | c >> 6 & 0x3F], 0);
          piece.add(ofByte[0x80 | c & 0x3F], 0);
        } else {
          c = Character.toCodePoint((char) c, text[++i]);
          piece.add(ofByte[0xF0 | c >> 18], 0);
          piece.add(ofByte[0x80 | c >> 12 & 0x3F], 0);
          piece.add(ofByte[0x80 | c >> 6 & 0x3F], 0);
          piece.add(ofByte[0x80 | c & 0x3F], 0);
        }
      }
      merges.merge(piece);
      for (int i = 0; i < piece.length; i++) add(piece.symbols[i]);
    }
  }

  @Override
  public byte[] bytes(int id) {
    vocabulary.token(id);
    return bytes[id].clone();
  }

  @Override
  public List<AddedToken> addedTokens() {
    return added;
  }

  @Override
  public int[] prefix() {
    return prefix.clone();
  }

  /// A token as a tokenizer file writes it: `Ġthe` for ` the`.
  public String token(int id) {
    return vocabulary.token(id);
  }

  /// Every token by its id.
  public List<String> tokens() {
    return vocabulary.tokens();
  }

  /// The merges in the order in which they were learned.
  public List<Merge> merges() {
    return mergeList;
  }

  public PublishedPattern pattern() {
    return pattern;
  }

  /// Whether a piece that is a token is taken as it is.
  public boolean takesWholePieces() {
    return wholePieces;
  }
}
