package lemma.core.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lemma.core.format.FormatException;
import lemma.core.tokenizer.SentencePiece.Type;

/// Reads and writes `tokenizer.model` of SentencePiece, a protobuf message.
///
/// | message | fields |
/// |---|---|
/// | ModelProto | 1 pieces, 2 trainer_spec, 3 normalizer_spec, 5 denormalizer_spec |
/// | SentencePiece | 1 piece, 2 score, 3 type |
/// | TrainerSpec | 3 model_type, 24 treat_whitespace_as_suffix, 35 byte_fallback, 44–48 names |
/// | NormalizerSpec | 1 name, 2 precompiled_charsmap, 3–5 treatment of spaces |
///
/// What training was given beyond that changes nothing in how a text is split; it is not read, and not
/// written. Models by words or characters, and denormalisation, are refused by name.
public final class SentencePieceFile {
  private static final long LARGEST = 1L << 27;
  private static final int LARGEST_VOCABULARY = 1 << 22;
  private static final int LONGEST_PIECE = 1 << 12;

  private static final int UNIGRAM = 1;
  private static final int BPE = 2;

  private final Path file;
  private final List<SentencePiece> pieces = new ArrayList<>();
  private int modelType = UNIGRAM;
  private boolean byteFallback;
  private boolean whitespaceAsSuffix;
  private String begin = SentencePieceSymbols.usual().begin();
  private String end = SentencePieceSymbols.usual().end();
  private String padding = SentencePieceSymbols.usual().padding();
  private String unknownSurface = SentencePieceSymbols.usual().unknownSurface();
  private String normaliserName = "";
  private byte[] charsMap = {};
  private boolean dummyPrefix = true;
  private boolean removeExtra = true;
  private boolean escape = true;

  private SentencePieceFile(Path file) {
    this.file = file;
  }

  /// @param path the file, or the folder that holds `tokenizer.model`
  /// @throws FormatException if it is missing, damaged or asks for what is not supported
  public static SentencePieceModel read(Path path) throws IOException {
    Path file = Files.isDirectory(path) ? path.resolve("tokenizer.model") : path;
    try {
      if (Files.size(file) > LARGEST)
        throw new FormatException(file, "is larger than " + LARGEST + " bytes");
      return read(file, Files.readAllBytes(file));
    } catch (NoSuchFileException e) {
      throw new FormatException(file, "no such file", e);
    }
  }

  /// @param file names the bytes in messages
  static SentencePieceModel read(Path file, byte[] bytes) {
    var reading = new SentencePieceFile(file);
    try {
      reading.model(new ProtobufReader(file, bytes));
      return reading.tokenizer();
    } catch (FormatException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new FormatException(file, e.getMessage(), e);
    }
  }

  private void model(ProtobufReader message) {
    while (message.next())
      switch (message.field()) {
        case 1 -> pieces.add(piece(message.message()));
        case 2 -> trainer(message.message());
        case 3 -> normaliser(message.message());
        case 5 -> denormaliser(message.message());
        default -> {}
      }
  }

  private SentencePiece piece(ProtobufReader message) {
    if (pieces.size() == LARGEST_VOCABULARY)
      throw new FormatException(file, "has more than %d pieces".formatted(LARGEST_VOCABULARY));
    String text = "";
    float score = 0;
    int type = 1;
    while (message.next())
      switch (message.field()) {
        case 1 -> text = message.text();
        case 2 -> score = message.number();
        case 3 -> type = message.integer();
        default -> {}
      }
    if (text.length() > LONGEST_PIECE)
      throw new FormatException(
          file, "piece %d has %d characters".formatted(pieces.size(), text.length()));
    if (type < 1 || type > Type.values().length)
      throw new FormatException(file, "piece %d has type %d".formatted(pieces.size(), type));
    return new SentencePiece(text, score, Type.values()[type - 1]);
  }

  private void trainer(ProtobufReader message) {
    while (message.next())
      switch (message.field()) {
        case 3 -> modelType = message.integer();
        case 24 -> whitespaceAsSuffix = message.flag();
        case 35 -> byteFallback = message.flag();
        case 44 -> unknownSurface = message.text();
        case 46 -> begin = message.text();
        case 47 -> end = message.text();
        case 48 -> padding = message.text();
        default -> {}
      }
  }

  private void normaliser(ProtobufReader message) {
    while (message.next())
      switch (message.field()) {
        case 1 -> normaliserName = message.text();
        case 2 -> charsMap = message.bytes();
        case 3 -> dummyPrefix = message.flag();
        case 4 -> removeExtra = message.flag();
        case 5 -> escape = message.flag();
        default -> {}
      }
  }

  private void denormaliser(ProtobufReader message) {
    while (message.next())
      if (message.field() == 2 && message.bytes().length > 0)
        throw new FormatException(file, "denormalizer_spec is not supported");
  }

  private SentencePieceModel tokenizer() {
    PieceModel model =
        switch (modelType) {
          case UNIGRAM -> new Unigram(pieces, Unigram.Sums.FLOAT32);
          case BPE -> new SentencePieceBpe(pieces);
          default ->
              throw new FormatException(
                  file,
                  "model_type %d is not supported, only unigram and BPE".formatted(modelType));
        };
    Optional<PrecompiledCharsMap> map =
        charsMap.length == 0 ? Optional.empty() : Optional.of(new PrecompiledCharsMap(charsMap));
    return new SentencePieceModel(
        model,
        new SentencePieceNormaliser(
            normaliserName, map, dummyPrefix, removeExtra, escape, whitespaceAsSuffix),
        new SentencePieceSymbols(begin, end, padding, unknownSurface),
        byteFallback);
  }

  /// Writes a file that SentencePiece reads: into a temporary file first, which then takes its place.
  /// Scores are rounded to float32.
  public static void write(SentencePieceModel model, Path file) throws IOException {
    Path temporary = file.resolveSibling(file.getFileName() + ".part");
    Files.write(temporary, message(model).toBytes());
    Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
  }

  private static ProtobufWriter message(SentencePieceModel model) {
    var message = new ProtobufWriter();
    for (SentencePiece piece : model.model().pieces())
      message.message(
          1,
          new ProtobufWriter()
              .text(1, piece.text())
              .number(2, (float) piece.score())
              .integer(3, piece.type().ordinal() + 1));
    SentencePieceNormaliser normaliser = model.normaliser();
    SentencePieceSymbols symbols = model.symbols();
    message.message(
        2,
        new ProtobufWriter()
            .integer(3, model.model() instanceof Unigram ? UNIGRAM : BPE)
            .integer(4, model.vocabularySize())
            .flag(24, normaliser.treatWhitespaceAsSuffix())
            .flag(35, model.byteFallback())
            .integer(40, model.model().unknownId())
            .integer(41, model.control(symbols.begin()).orElse(-1))
            .integer(42, model.control(symbols.end()).orElse(-1))
            .integer(43, model.control(symbols.padding()).orElse(-1))
            .text(44, symbols.unknownSurface())
            .text(45, model.piece(model.model().unknownId()).text())
            .text(46, symbols.begin())
            .text(47, symbols.end())
            .text(48, symbols.padding()));
    return message.message(
        3,
        new ProtobufWriter()
            .text(1, normaliser.name())
            .bytes(2, normaliser.map().map(PrecompiledCharsMap::toBytes).orElse(new byte[0]))
            .flag(3, normaliser.addDummyPrefix())
            .flag(4, normaliser.removeExtraWhitespaces())
            .flag(5, normaliser.escapeWhitespaces()));
  }
}
