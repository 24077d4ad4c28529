package lemma.core.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
/// | a folder | its `tokenizer.json`, or else its `tokenizer.model` |
/// | any other file, such as weights | what its folder holds |
///
/// A SentencePiece file does not say whether texts begin with a control piece. In a folder,
/// `add_bos_token` of `tokenizer_config.json` does; without it they do if the model has that piece.
public final class TokenizerFile {
  private static final String JSON = "tokenizer.json";
  private static final String MODEL = "tokenizer.model";

  private TokenizerFile() {}

  /// The same, and none if there is none.
  ///
  /// @throws FormatException if there is one that is damaged or not supported
  public static Optional<Tokenizer> find(Path path) throws IOException {
    Path home = home(path);
    boolean there =
        Files.isDirectory(home)
            ? Files.exists(home.resolve(JSON)) || Files.exists(home.resolve(MODEL))
            : Files.exists(home) && (!ends(home, ".gguf") || GgufVocabulary.isIn(Gguf.open(home)));
    return there ? Optional.of(open(home)) : Optional.empty();
  }

  /// @throws FormatException if there is none, or it is damaged or not supported
  public static Tokenizer open(Path path) throws IOException {
    Path home = home(path);
    if (ends(home, ".model")) return SentencePieceFile.read(home);
    if (ends(home, ".gguf")) return GgufVocabulary.read(home);
    boolean onlyModel =
        Files.isDirectory(home)
            && !Files.exists(home.resolve(JSON))
            && Files.exists(home.resolve(MODEL));
    return onlyModel ? ofFolder(home) : TokenizerJson.read(home);
  }

  private static boolean ends(Path path, String suffix) {
    return !Files.isDirectory(path) && path.toString().toLowerCase(Locale.ROOT).endsWith(suffix);
  }

  /// The path itself, or the folder of a file that holds no tokenizer.
  private static Path home(Path path) {
    boolean other = Files.isRegularFile(path);
    for (String suffix : new String[] {".json", ".model", ".gguf"}) other &= !ends(path, suffix);
    return other ? path.toAbsolutePath().getParent() : path;
  }

  private static SentencePieceModel ofFolder(Path folder) throws IOException {
    SentencePieceModel model = SentencePieceFile.read(folder);
    OptionalInt begin = model.control(model.symbols().begin());
    Path config = folder.resolve("tokenizer_config.json");
    boolean added = !Files.exists(config) || JsonFile.read(config).flag("add_bos_token", true);
    return added && begin.isPresent() ? model.withPrefix(begin.getAsInt()) : model;
  }
}
