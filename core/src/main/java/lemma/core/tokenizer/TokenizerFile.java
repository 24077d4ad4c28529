package lemma.core.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalInt;
import lemma.core.format.FormatException;
import lemma.core.format.Gguf;
import lemma.core.format.JsonFile;

/// Opens whatever tokenizer a file or a model's folder holds.
///
/// | file | |
/// |---|---|
/// | `tokenizer.json` | [TokenizerJson]; in a folder it goes before the next |
/// | `*.model` | [SentencePieceFile]; in a folder `tokenizer.model` |
/// | `*.gguf` | [GgufTokenizer] |
///
/// A SentencePiece file does not say whether texts begin with a control piece. In a folder,
/// `add_bos_token` of `tokenizer_config.json` does; without it they do if the model has that piece.
public final class TokenizerFile {
  private static final String JSON = "tokenizer.json";
  private static final String MODEL = "tokenizer.model";

  private TokenizerFile() {}

  /// Whether a folder holds a tokenizer, or the path is one of the files above.
  public static boolean isAt(Path path) {
    return Files.isDirectory(path)
        ? Files.exists(path.resolve(JSON)) || Files.exists(path.resolve(MODEL))
        : Files.isRegularFile(path);
  }

  /// @throws FormatException if there is none, or it is damaged or not supported
  public static Tokenizer open(Path path) throws IOException {
    if (Files.isDirectory(path))
      return !Files.exists(path.resolve(JSON)) && Files.exists(path.resolve(MODEL))
          ? ofFolder(path)
          : TokenizerJson.read(path);
    String name = path.toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".model")) return SentencePieceFile.read(path);
    if (name.endsWith(".gguf")) return GgufTokenizer.read(Gguf.open(path));
    return TokenizerJson.read(path);
  }

  private static SentencePieceModel ofFolder(Path folder) throws IOException {
    SentencePieceModel model = SentencePieceFile.read(folder);
    OptionalInt begin = model.control(model.symbols().begin());
    Path config = folder.resolve("tokenizer_config.json");
    boolean added =
        !Files.exists(config) || JsonFile.read(config).flag("add_bos_token", true);
    return added && begin.isPresent() ? model.withPrefix(begin.getAsInt()) : model;
  }
}
