package lemma.core.tokenizer;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/// Where the proofs find tokenizer files.
///
/// The small models are test resources. Published vocabularies are large and belong to others: they
/// are looked for in the folder `-Dtokenizer.vocab.dir=DIR`, then beside the golden cases, and what
/// needs one that is not there is skipped.
///
/// | vocabulary | file |
/// |---|---|
/// | r50k, p50k, cl100k, o200k | `r50k_base.tiktoken` and so on |
/// | Llama 3 | `llama3.tiktoken`, or `ggml-vocab-llama-bpe.gguf` |
/// | BERT, DeepSeek, Falcon | `ggml-vocab-bert-bge.gguf`, `ggml-vocab-deepseek-llm.gguf`, `ggml-vocab-falcon.gguf` |
final class Vocabularies {
  private static final Path RESOURCES = Path.of("src/test/resources/golden/tokenizers");

  private Vocabularies() {}

  /// A small model: a folder or a file under `models`.
  static Path model(String name) {
    return golden().map(folder -> folder.resolve("models", name)).filter(Files::exists).findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no model " + name));
  }

  /// The first of some files that is there.
  static Optional<Path> published(String... names) {
    Stream<Path> named =
        Stream.ofNullable(System.getProperty("tokenizer.vocab.dir")).map(Path::of);
    return Stream.concat(named, golden().map(folder -> folder.resolve("vocab")))
        .flatMap(folder -> Arrays.stream(names).map(folder::resolve))
        .filter(Files::exists)
        .findFirst();
  }

  private static Stream<Path> golden() {
    String replacement = System.getProperty("golden.dir");
    return Stream.of(replacement == null ? null : Path.of(replacement, "tokenizers"), RESOURCES)
        .filter(Objects::nonNull);
  }
}
