package lemma.core.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import lemma.core.format.FormatException;
import lemma.core.format.Gguf;
import lemma.core.format.JsonFile;

/// Opens whatever tokenizer a file or a model's folder holds.
///
/// | path | |
/// |---|---|
/// | `*.json` | [TokenizerJson] |
/// | `*.model` | [SentencePieceFile] |
/// | `*.gguf` | [GgufVocabulary] |
/// | a folder | its `tokenizer.json`, or else its `tokenizer.model` or `spiece.model` |
/// | any other file, such as weights | what its folder holds |
///
/// A SentencePiece file does not say whether texts begin with a control piece. In a folder,
/// `add_bos_token` of `tokenizer_config.json` does; without it they do if the model has that piece.
public final class TokenizerFile {
  private static final List<String> NAMES =
      List.of("tokenizer.json", "tokenizer.model", "spiece.model");

  private TokenizerFile() {}

  /// The same, and none if there is none.
  ///
  /// @throws FormatException if there is one that is damaged or not supported
  public static Optional<Tokenizer> find(Path path) throws IOException {
    Path file = file(path);
    boolean there =
        Files.exists(file) && (!ends(file, ".gguf") || GgufVocabulary.isIn(Gguf.open(file)));
    return there ? Optional.of(open(path)) : Optional.empty();
  }

  /// @throws FormatException if there is none, or it is damaged or not supported
  public static Tokenizer open(Path path) throws IOException {
    Path file = file(path);
    if (ends(file, ".gguf")) return GgufVocabulary.read(file);
    if (!ends(file, ".model")) return TokenizerJson.read(file);
    SentencePieceModel model = SentencePieceFile.read(file);
    return file.equals(path) ? model : withBegin(model, file);
  }

  /// The file that holds the tokenizer: the path itself, or the first by name in its folder.
  private static Path file(Path path) {
    boolean tokenizer = ends(path, ".json") || ends(path, ".model") || ends(path, ".gguf");
    if (tokenizer && !ends(path, ".index.json") || !Files.exists(path)) return path;
    Path folder = Files.isDirectory(path) ? path : path.toAbsolutePath().getParent();
    return NAMES.stream()
        .map(folder::resolve)
        .filter(Files::exists)
        .findFirst()
        .orElse(folder.resolve(NAMES.getFirst()));
  }

  private static boolean ends(Path path, String suffix) {
    return !Files.isDirectory(path) && path.toString().toLowerCase(Locale.ROOT).endsWith(suffix);
  }

  private static SentencePieceModel withBegin(SentencePieceModel model, Path file)
      throws IOException {
    OptionalInt begin = model.control(model.symbols().begin());
    Path config = file.resolveSibling("tokenizer_config.json");
    boolean added = !Files.exists(config) || JsonFile.read(config).flag("add_bos_token", true);
    return added && begin.isPresent() ? model.withPrefix(begin.getAsInt()) : model;
  }
}
