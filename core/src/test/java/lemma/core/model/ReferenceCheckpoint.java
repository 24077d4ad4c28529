package lemma.core.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import lemma.core.format.JsonFile;
import lemma.proof.GoldenCase;
import lemma.proof.Proof;
import tools.jackson.databind.JsonNode;

/// A checkpoint with random weights and what the reference implementation computed with it.
///
/// They lie in the test resources, or with `-Dgolden.dir=DIR` in `DIR/core/checkpoints`.
record ReferenceCheckpoint(Path folder, JsonNode expected) {
  record Prompt(JsonNode node) {
    int[] tokens() {
      return ints("input_ids");
    }

    int[] greedy() {
      return ints("greedy");
    }

    int[] ints(String name) {
      return node.get(name).valueStream().mapToInt(JsonNode::asInt).toArray();
    }

    double[] numbers(String name) {
      return GoldenCase.numbers(node.get(name));
    }

    /// The numbers of a list of lists, flat.
    double[] rows(String name) {
      return node.get(name)
          .valueStream()
          .flatMapToDouble(row -> Arrays.stream(GoldenCase.numbers(row)))
          .toArray();
    }
  }

  /// Every checkpoint whose `model_type` is one of these.
  static Stream<ReferenceCheckpoint> of(String... types) throws IOException, URISyntaxException {
    return folders()
        .filter(folder -> Files.exists(folder.resolve("config.json")))
        .filter(folder -> List.of(types).contains(read(folder, "config.json").text("model_type")))
        .map(folder -> new ReferenceCheckpoint(folder, read(folder, "expected.json").root()));
  }

  /// One file of a folder whose expectations are told file by file.
  record GgufFile(ReferenceCheckpoint of, Path file) {
    Stream<Prompt> prompts() {
      return of.expected
          .get("files")
          .get(file.getFileName().toString())
          .valueStream()
          .map(Prompt::new);
    }

    @Override
    public String toString() {
      return file.getFileName().toString();
    }
  }

  /// Every GGUF file that something is expected of.
  static Stream<GgufFile> ggufFiles() throws IOException, URISyntaxException {
    return folders()
        .filter(folder -> Files.exists(folder.resolve("expected.json")))
        .map(folder -> new ReferenceCheckpoint(folder, read(folder, "expected.json").root()))
        .filter(golden -> golden.expected.has("files"))
        .flatMap(golden ->
            golden.expected.get("files").propertyNames().stream()
                .filter(name -> name.endsWith(".gguf"))
                .map(name -> new GgufFile(golden, golden.folder.resolve(name))));
  }

  private static Stream<Path> folders() throws IOException, URISyntaxException {
    String replacement = System.getProperty("golden.dir");
    Path root =
        replacement == null
            ? Path.of(ReferenceCheckpoint.class.getResource("/golden/core/checkpoints").toURI())
            : Path.of(replacement, "core", "checkpoints");
    if (!Files.isDirectory(root)) return Stream.empty();
    try (Stream<Path> folders = Files.list(root)) {
      return folders.filter(Files::isDirectory).sorted().toList().stream();
    }
  }

  private static JsonFile read(Path folder, String name) {
    try {
      return JsonFile.read(folder.resolve(name));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  Stream<Prompt> prompts() {
    return expected.get("prompts").valueStream().map(Prompt::new);
  }

  /// Within the checkpoint's tolerance, times `terms` for a sum of that many numbers.
  void expect(String what, double[] got, double[] wanted, int terms, Proof proof) {
    double absolute = expected.get("tolerance").get("abs").asDouble();
    double relative = expected.get("tolerance").get("rel").asDouble();
    assertThat(got).as(this + ": " + what).hasSameSizeAs(wanted);
    double worst = 0;
    for (int i = 0; i < wanted.length; i++) {
      double gap = Math.abs(got[i] - wanted[i]);
      worst = Math.max(worst, gap);
      assertThat(gap <= terms * absolute + relative * Math.abs(wanted[i]))
          .as("%s: %s[%d] is %s, the reference has %s", this, what, i, got[i], wanted[i])
          .isTrue();
    }
    proof.measured("max |Δ| of " + what, worst);
  }

  /// Says the likeliest token and feeds it back, as often as the reference did: the same tokens, and
  /// the same winning logits.
  void continues(Prompt prompt, LanguageModel.Session session, float[] logits, Proof proof) {
    double[] winning = prompt.numbers("greedy_top_logit");
    for (int step = 0; step < prompt.greedy().length; step++) {
      int token = Greedy.argMax(logits);
      assertThat(token).as("%s: token %d", this, step).isEqualTo(prompt.greedy()[step]);
      double[] wanted = {winning[step]};
      expect("winning logit", new double[] {logits[token]}, wanted, 1, proof);
      logits = session.append(token);
    }
  }

  @Override
  public String toString() {
    return folder.getFileName().toString();
  }
}
