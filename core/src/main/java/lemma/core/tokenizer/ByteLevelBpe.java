package lemma.core.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

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
/// Radford et al. 2019 (GPT-2), section 2.2. Answer: `tokenizer/bpe.md`.
public final class ByteLevelBpe implements Tokenizer {
  private static final Pattern LONE_SURROGATE = Pattern.compile("\\p{Cs}");

  private final List<String> tokens;
  private final BpeMerges merges;
  private final List<AddedToken> added;
  private final PreTokenizer preTokenizer;
  private final boolean wholePieces;
  private final int[] prefix;

  private final byte[][] bytes;
  private final int[] ofByte = new int[256];
  private final Map<String, Integer> ids = new HashMap<>();
  private final Map<String, Integer> addedIds = new LinkedHashMap<>();
  private final Pattern addedPattern; // null if there is none

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
      PreTokenizer preTokenizer,
      boolean wholePieces,
      int... prefix) {
    this.tokens = List.copyOf(tokens);
    this.merges = new BpeMerges(merges);
    this.added = List.copyOf(added);
    this.preTokenizer = preTokenizer;
    this.wholePieces = wholePieces;
    this.prefix = prefix.clone();
    this.bytes = new byte[tokens.size()][];
    addNamed();
    addBytes();
    for (Merge merge : merges) {
      checkId(merge.left());
      checkId(merge.right());
      checkId(merge.merged());
    }
    for (int id : prefix) checkId(id);
    addedPattern =
        added.isEmpty()
            ? null
            : Pattern.compile(
                addedIds.keySet().stream()
                    .sorted(Comparator.comparing(String::length).reversed()) // the longest wins
                    .map(Pattern::quote)
                    .collect(Collectors.joining("|")));
  }

  private void addNamed() {
    for (AddedToken token : added) {
      checkId(token.id());
      if (!tokens.get(token.id()).equals(token.content()))
        throw new IllegalArgumentException(
            "added token %s has id %d, which is %s"
                .formatted(token.content(), token.id(), tokens.get(token.id())));
      if (addedIds.put(token.content(), token.id()) != null)
        throw new IllegalArgumentException("added token " + token.content() + " is there twice");
      bytes[token.id()] = token.content().getBytes(StandardCharsets.UTF_8);
    }
  }

  private void addBytes() {
    for (int id = 0; id < tokens.size(); id++) {
      String token = tokens.get(id);
      Integer before = ids.put(token, id);
      if (before != null)
        throw new IllegalArgumentException(
            "token %s has the ids %d and %d".formatted(token, before, id));
      if (bytes[id] != null) continue;
      if (token.isEmpty() || !ByteAlphabet.holds(token))
        throw new IllegalArgumentException(
            "token %d, \"%s\", is not written in the byte alphabet".formatted(id, token));
      bytes[id] = ByteAlphabet.read(token);
    }
    for (int b = 0; b < 256; b++) {
      Integer id = ids.get(String.valueOf(ByteAlphabet.character(b)));
      if (id == null) throw new IllegalArgumentException("there is no token for byte " + b);
      ofByte[b] = id;
    }
  }

  /// Learns a vocabulary: ids 0 … 255 are the bytes, then the merges, then the special tokens.
  ///
  /// Ties go to the pair that occurs first, so the same texts give the same vocabulary. It is smaller
  /// than asked for if no pair is left that occurs twice.
  ///
  /// @throws IllegalArgumentException if there is no room for the bytes and the special tokens
  public static ByteLevelBpe train(
      List<String> texts, int vocabularySize, PreTokenizer preTokenizer, String... special) {
    int count = vocabularySize - 256 - special.length;
    if (count < 0)
      throw new IllegalArgumentException(
          "vocabularySize must be at least %d, was %d"
              .formatted(256 + special.length, vocabularySize));
    Map<String, Long> pieces = new LinkedHashMap<>();
    for (String text : texts)
      for (String piece : preTokenizer.split(text)) pieces.merge(piece, 1L, Long::sum);
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
    return new ByteLevelBpe(tokens, merges, added, preTokenizer, false);
  }

  @Override
  public int vocabularySize() {
    return tokens.size();
  }

  @Override
  public int[] encode(String text) {
    String unicode = LONE_SURROGATE.matcher(text).replaceAll("\uFFFD");
    IntStream.Builder result = IntStream.builder();
    int from = 0;
    if (addedPattern != null) {
      Matcher matcher = addedPattern.matcher(unicode);
      while (matcher.find()) {
        encode(unicode.substring(from, matcher.start()), result);
        result.add(addedIds.get(matcher.group()));
        from = matcher.end();
      }
    }
    encode(unicode.substring(from), result);
    return result.build().toArray();
  }

  private void encode(String text, IntStream.Builder result) {
    for (String piece : preTokenizer.split(text)) {
      byte[] utf8 = piece.getBytes(StandardCharsets.UTF_8);
      Integer whole = wholePieces ? ids.get(ByteAlphabet.write(utf8)) : null;
      if (whole != null) {
        result.add(whole);
        continue;
      }
      int[] symbols = new int[utf8.length];
      for (int i = 0; i < utf8.length; i++) symbols[i] = ofByte[utf8[i] & 0xFF];
      for (int id : merges.apply(symbols)) result.add(id);
    }
  }

  @Override
  public byte[] bytes(int id) {
    checkId(id);
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
    checkId(id);
    return tokens.get(id);
  }

  /// Every token by its id.
  public List<String> tokens() {
    return tokens;
  }

  /// The merges in the order in which they were learned.
  public List<Merge> merges() {
    return merges.merges();
  }

  public PreTokenizer preTokenizer() {
    return preTokenizer;
  }

  /// Whether a piece that is a token is taken as it is.
  public boolean wholePieces() {
    return wholePieces;
  }

  private void checkId(int id) {
    if (id < 0 || id >= tokens.size())
      throw new IllegalArgumentException(
          "id %d is outside the vocabulary of %d".formatted(id, tokens.size()));
  }
}
