package lemma.core.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
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

  private static final Map<Path, Object> READ = new ConcurrentHashMap<>();

  private Vocabularies() {}

  /// How a tokenizer is read from a file.
  interface Reading<T> {
    T read(Path file) throws IOException;
  }

  /// Reads a file once for all proofs; what is read cannot change.
  static <T> T read(Path file, Reading<T> reading) throws IOException {
    Object known = READ.get(file);
    if (known == null) {
      known = reading.read(file);
      READ.put(file, known);
    }
    @SuppressWarnings("unchecked")
    T tokenizer = (T) known;
    return tokenizer;
  }

  /// A small model: a folder or a file under `models`.
  static Path model(String name) {
    return golden()
        .map(folder -> folder.resolve("models", name))
        .filter(Files::exists)
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no model " + name));
  }

  /// The first of some files that is there.
  static Optional<Path> published(String... names) {
    Stream<Path> named = Stream.ofNullable(System.getProperty("tokenizer.vocab.dir")).map(Path::of);
    return Stream.concat(named, golden().map(folder -> folder.resolve("vocab")))
        .flatMap(folder -> Arrays.stream(names).map(folder::resolve))
        .filter(Files::exists)
        .findFirst();
  }

  /// A tokenizer by the kind of its file: a GGUF file, ranks of Llama 3, or a `tokenizer.json`.
  static Tokenizer anyKind(Path file) throws IOException {
    String name = file.getFileName().toString();
    if (name.endsWith(".gguf")) return GgufVocabulary.read(file);
    if (name.endsWith(".tiktoken")) return Tiktoken.read(file, PublishedPattern.LLAMA3, List.of());
    return TokenizerJson.read(file);
  }

  private static Stream<Path> golden() {
    String replacement = System.getProperty("golden.dir");
    return Stream.of(replacement == null ? null : Path.of(replacement, "tokenizers"), RESOURCES)
        .filter(Objects::nonNull);
  }
}
