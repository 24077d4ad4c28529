package lemma.core.model;

import java.io.IOException;
import java.nio.file.Path;
import lemma.core.format.FormatException;

/// A decoder made fast: the weights stay where they are mapped, in the format of the file, and are
/// widened to floats in registers; threads share out the rows of every matrix.
///
/// Sessions read the weights together; while one uses the threads, another goes on alone.
public sealed interface DecoderModel extends LanguageModel, AutoCloseable
    permits LlamaDecoder, Gpt2Decoder {

  DecoderConfig config();

  @Override
  default int vocabularySize() {
    return config().vocabularySize();
  }

  @Override
  default int contextLength() {
    return config().contextLength();
  }

  /// Ends the threads; sessions go on without them.
  @Override
  void close();

  /// Maps a folder with `config.json` and safetensors files, one such file beside its `config.json`,
  /// or a GGUF file: any family of decoders.
  ///
  /// @throws FormatException if a file is missing, damaged or does not fit the configuration, or it
  ///     holds no decoder
  /// @throws IllegalArgumentException if `threads` is not positive
  static DecoderModel open(Path path, int threads) throws IOException {
    ModelCheckpoint<?> checkpoint = ModelCheckpoint.open(path);
    return switch (checkpoint.config()) {
      case LlamaConfig config -> new LlamaDecoder(config, checkpoint::tensor, threads);
      case Gpt2Config config -> new Gpt2Decoder(config, checkpoint::tensor, threads);
      case BertConfig _ -> throw noDecoder(path, "BERT, an encoder");
      case T5Config _ -> throw noDecoder(path, "T5, which needs an input to its encoder");
    };
  }

  private static FormatException noDecoder(Path path, String what) {
    return new FormatException(path, "holds " + what + ", expected a decoder");
  }
}
