package lemma.core.format;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.proof.Claim;
import lemma.proof.Mutations;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

@Proves("safetensors")
class SafetensorsTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("x.safetensors");
  }

  @Claim("round-trip")
  @ParameterizedTest
  @EnumSource
  void what_is_written_is_read(FloatFormat format) throws IOException {
    RandomGenerator random = random(1);
    List<StoredTensor> tensors = new ArrayList<>();
    int[][] shapes = {{}, {1}, {3, 5}, {2, 0, 4}, {7, 1, 2, 3}};
    for (int i = 0; i < shapes.length; i++) {
      int count = (int) StoredTensor.count(Arrays.stream(shapes[i]).asLongStream().toArray());
      tensors.add(StoredTensor.of("t" + i + " “ü”\n", gaussian(count, random), shapes[i], format));
    }
    Map<String, String> metadata = Map.of("format", "pt", "note", "“quoted”");
    SafetensorsWriter.write(file, tensors, metadata);
    Safetensors read = Safetensors.open(file);
    assertThat(read.metadata()).isEqualTo(metadata);
    assertThat(read.tensors()).hasSize(shapes.length);
    for (StoredTensor tensor : tensors) {
      StoredTensor back = read.tensor(tensor.name());
      assertThat(back.shape()).isEqualTo(tensor.shape());
      assertThat(back.type()).isEqualTo(tensor.type());
      assertThat(back.bytes().mismatch(tensor.bytes())).isEqualTo(-1);
      assertThat(back.toDoubles()).isEqualTo(tensor.toDoubles());
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).as("no temporary file is left").containsExactly(file);
    }
  }

  @Claim("alignment")
  @Test
  void every_element_is_aligned_in_the_file() throws IOException {
    SafetensorsWriter.write(
        file,
        List.of(
            StoredTensor.of("a", new double[3], new int[] {3}, FloatFormat.BF16),
            StoredTensor.of("b", new double[5], new int[] {5}, FloatFormat.F32)),
        Map.of());
    long header =
        ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN).getLong();
    assertThat(header % 8).isZero();
    Safetensors read = Safetensors.open(file);
    long start = read.tensor("b").bytes().address();
    assertThat(start % 4).isZero();
    assertThat(read.tensor("a").bytes().address())
        .as("behind the wider ones")
        .isEqualTo(start + 20);
  }

  @Claim("parity")
  @ParameterizedTest(allowZeroInvocations = true, name = "{0}")
  @MethodSource
  void a_reference_file_that_is_written_again_has_the_same_bytes(Path reference)
      throws IOException {
    Safetensors read = Safetensors.open(reference);
    SafetensorsWriter.write(file, read.tensors().values(), read.metadata());
    assertThat(Files.mismatch(file, reference)).isEqualTo(-1);
  }

  static Stream<Path> a_reference_file_that_is_written_again_has_the_same_bytes() throws Exception {
    String replacement = System.getProperty("golden.dir");
    Path root =
        replacement == null
            ? Path.of(SafetensorsTest.class.getResource("/golden/core/checkpoints").toURI())
            : Path.of(replacement, "core", "checkpoints");
    if (!Files.isDirectory(root)) return Stream.empty();
    try (Stream<Path> folders = Files.list(root)) {
      return folders
          .map(folder -> folder.resolve("model.safetensors"))
          .filter(Files::exists)
          .sorted()
          .toList()
          .stream();
    }
  }

  @Claim("mapped")
  @Test
  void a_large_file_is_opened_without_reading_it(Proof proof) throws IOException {
    long size = 5L << 30; // a sparse file: more than the heap, and than an array can hold
    byte[] header =
        "{\"big\":{\"dtype\":\"BF16\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
            .formatted(size / 2, size)
            .getBytes(UTF_8);
    try (var channel =
        Files.newByteChannel(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.SPARSE,
            StandardOpenOption.WRITE)) {
      channel.write(lengthOf(header.length));
      channel.write(ByteBuffer.wrap(header));
      channel.position(8 + header.length + size - 1).write(ByteBuffer.wrap(new byte[1]));
    }
    StoredTensor big = Safetensors.open(file).tensor("big");
    assertThat(big.count()).isEqualTo(size / 2);
    assertThat(big.bytes().isMapped()).isTrue();
    proof.measured("bytes mapped", big.bytes().byteSize());
    Refusal.of(big::toDoubles, "big", "too large");
  }

  private static ByteBuffer lengthOf(long length) {
    return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
  }

  @Claim("shards")
  @Test
  void an_index_leads_to_the_files_that_hold_the_tensors() throws IOException {
    var a = StoredTensor.of("a", new double[] {1, 2}, new int[] {2}, FloatFormat.F32);
    var b = StoredTensor.of("b", new double[] {3}, new int[] {1}, FloatFormat.F16);
    SafetensorsWriter.write(folder.resolve("model-1.safetensors"), List.of(a), Map.of());
    SafetensorsWriter.write(folder.resolve("model-2.safetensors"), List.of(b), Map.of());
    Path index = folder.resolve("model.safetensors.index.json");
    String good = "{\"weight_map\":{\"a\":\"model-1.safetensors\",\"b\":\"model-2.safetensors\"}}";
    Files.writeString(index, good);
    Checkpoint checkpoint = Checkpoint.open(folder);
    assertThat(checkpoint.tensor("a").toDoubles()).containsExactly(1, 2);
    assertThat(checkpoint.tensor("b").toDoubles()).containsExactly(3);
    Refusal.of(() -> checkpoint.tensor("c"), "c", "missing");
    Files.writeString(index, good.replace("model-2", "model-1"));
    Refusal.of(() -> Checkpoint.open(folder), "model-1.safetensors", "b", "missing");
    for (String elsewhere :
        List.of("../x.safetensors", "/etc/passwd", "..", "", "model-3.safetensors", "a\\\\b")) {
      Files.writeString(index, good.replace("model-2.safetensors", elsewhere));
      Refusal.of(() -> Checkpoint.open(folder), folder.toString());
    }
    Files.writeString(index, "{\"weight_map\":{\"a\":17}}");
    Refusal.of(() -> Checkpoint.open(folder), "index.json");
    Files.writeString(index, "{\"weight_map\":[]}");
    Refusal.of(() -> Checkpoint.open(folder), "weight_map");
    Files.delete(index);
    Refusal.of(() -> Checkpoint.open(folder), folder.toString(), "neither");
  }

  /// A header, how much data follows, and what the refusal must name.
  record Hostile(String header, int data, String... words) {
    @Override
    public String toString() {
      return header.length() < 120 ? header : header.substring(0, 120) + "…";
    }
  }

  private static String tensor(String name, String type, String shape, String offsets) {
    return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}"
        .formatted(name, type, shape, offsets);
  }

  static Stream<Hostile> hostile() {
    String good = tensor("w", "F32", "[2]", "[0,8]");
    return Stream.of(
        new Hostile("", 8),
        new Hostile("[]", 8, "{"),
        new Hostile(" {" + good + "}", 8, "{"),
        new Hostile("{" + good, 8, "JSON"),
        new Hostile("{" + good + "}}", 8),
        new Hostile("{" + good + "} 1", 8),
        new Hostile("{" + good + "}", 7, "w", "8", "7", "cut off"),
        new Hostile("{" + good + "}", 9, "1", "no tensor"),
        new Hostile("{" + good + "," + good + "}", 8, "w"),
        new Hostile("{" + good + "," + tensor("v", "F32", "[1]", "[4,8]") + "}", 8, "v", "inside"),
        new Hostile("{" + good + "," + tensor("v", "F32", "[1]", "[12,16]") + "}", 16, "v", "gap"),
        new Hostile("{" + tensor("w", "F32", "[2]", "[8,0]") + "}", 8, "w"),
        new Hostile("{" + tensor("w", "F32", "[2]", "[-8,0]") + "}", 8, "-8"),
        new Hostile("{" + tensor("w", "F32", "[-2]", "[0,8]") + "}", 8, "-2"),
        new Hostile("{" + tensor("w", "F32", "[3]", "[0,8]") + "}", 8, "w", "8 bytes"),
        new Hostile("{" + tensor("w", "F33", "[2]", "[0,8]") + "}", 8, "F33"),
        new Hostile("{" + tensor("w", "F32", "[2.0]", "[0,8]") + "}", 8, "shape"),
        new Hostile("{" + tensor("w", "F32", "[2]", "[0]") + "}", 8, "data_offsets"),
        new Hostile("{" + tensor("w", "F32", "[2]", "[0,4,8]") + "}", 8, "data_offsets"),
        new Hostile("{" + tensor("w", "F32", "2", "[0,8]") + "}", 8, "shape"),
        new Hostile("{" + tensor("w", "F32", "[9223372036854775808]", "[0,8]") + "}", 8),
        new Hostile("{" + tensor("w", "F32", "[4611686018427387905,4]", "[0,8]") + "}", 8, "w"),
        new Hostile("{" + tensor("w", "F32", "[4294967296,4294967296,2]", "[0,8]") + "}", 8, "w"),
        new Hostile("{" + tensor("w", "F32", "[4611686018427387906]", "[0,8]") + "}", 8, "w"),
        new Hostile("{\"w\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "data_offsets"),
        new Hostile("{\"w\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 8, "dtype"),
        new Hostile("{\"w\":{\"x\":1}}", 8, "x"),
        new Hostile("{\"w\":7}", 8, "w"),
        new Hostile("{\"__metadata__\":{\"a\":1}," + good + "}", 8, "__metadata__"),
        new Hostile("{\"w\u00ff\":{}}", 8), // not UTF-8, as it is written in ISO 8859-1
        new Hostile("{\"w\":" + "[".repeat(5000) + "]".repeat(5000) + "}", 8),
        new Hostile("{\"w\":" + "{\"a\":".repeat(5000) + "1" + "}".repeat(5001), 8),
        new Hostile("{" + tensor("w", "F32", "[" + "1,".repeat(100_000) + "2]", "[0,8]") + "}", 8),
        new Hostile("{" + tensor("w", "F32", "[" + "9".repeat(5000) + "]", "[0,8]") + "}", 8),
        new Hostile("{" + tensor("a\\nb\\u0007c", "F32", "[3]", "[0,8]") + "}", 8));
  }

  @Claim("hostile")
  @ParameterizedTest
  @MethodSource
  void hostile(Hostile hostile) throws IOException {
    byte[] header = hostile.header().getBytes(ISO_8859_1);
    write(lengthOf(header.length).array(), header, new byte[hostile.data()]);
    refused(hostile.words());
  }

  @Claim("hostile")
  @Test
  void a_header_that_is_longer_than_the_file_takes_no_memory() throws IOException {
    for (long length : new long[] {1L << 60, Long.MAX_VALUE, -1, Long.MIN_VALUE, 99_999_999, 17}) {
      write(lengthOf(length).array(), new byte[16]);
      refused();
    }
    for (int size = 0; size < 8; size++) {
      Files.write(file, new byte[size]);
      refused("cut off");
    }
    Files.delete(file);
    refused("no such file");
    Refusal.of(() -> Safetensors.open(folder.resolve("none")), "none", "no such file");
  }

  private void write(byte[]... parts) throws IOException {
    try (var out = Files.newOutputStream(file)) {
      for (byte[] part : parts) out.write(part);
    }
  }

  private void refused(String... words) {
    if (words.length > 0) Refusal.of(() -> Safetensors.open(file), words);
    assertThatThrownBy(() -> Safetensors.open(file))
        .isInstanceOf(FormatException.class)
        .message()
        .startsWith(file + ": ")
        .doesNotContain("\n");
  }

  @Claim("mutations")
  @Test
  @Timeout(60) // a reader that hangs fails
  void no_damage_does_more_than_be_refused(Proof proof) throws Exception {
    mutations().prove(10_000, List.of(small()), random(5), this::readAll, proof);
  }

  @Claim("mutations")
  @Test
  @Timeout(60)
  void nor_does_a_damaged_file_that_is_mapped(Proof proof) throws Exception {
    mutations()
        .proveInFile(
            500,
            List.of(small()),
            random(6),
            file,
            damaged -> {
              try (Arena arena = Arena.ofShared()) {
                readAll(Safetensors.open(damaged, arena));
              }
            },
            proof);
  }

  private static Mutations mutations() {
    return new Mutations(FormatException.class, 1 << 18, 64)
        .words(
            "{",
            "[",
            "\"",
            ":",
            ",",
            "}",
            "]",
            "-1",
            "1e9",
            "9223372036854775808",
            "\\u0000",
            "{\"a\":",
            "[[",
            "\"shape\":[",
            "\"dtype\":\"F64\"",
            "__metadata__",
            "0,0");
  }

  private byte[] small() throws IOException {
    RandomGenerator random = random(5);
    SafetensorsWriter.write(
        file,
        List.of(
            StoredTensor.of("a.weight", gaussian(6, random), new int[] {2, 3}, FloatFormat.F32),
            StoredTensor.of("b.bias", gaussian(4, random), new int[] {4}, FloatFormat.BF16)),
        Map.of("format", "pt"));
    return Files.readAllBytes(file);
  }

  private void readAll(byte[] bytes) throws IOException {
    readAll(Safetensors.read(file, MemorySegment.ofArray(bytes)));
  }

  private static void readAll(Safetensors read) {
    for (StoredTensor tensor : read.tensors().values())
      if (tensor.type().floatFormat().isPresent()) tensor.toDoubles();
  }

  @Claim("mutations")
  @Test
  @Timeout(60)
  void nor_does_a_damaged_index(Proof proof) throws Exception {
    Path index = folder.resolve("model.safetensors.index.json");
    SafetensorsWriter.writeShards(folder, shards(), Map.of(), 30);
    byte[] good = Files.readAllBytes(index);
    new Mutations(FormatException.class, 1 << 18, 64)
        .words("{", "[", "\"", "\"\":", "../", "/", "null", "{\"a\":", "[[", "\\u0000", "1e999")
        .prove(
            10_000,
            List.of(good),
            random(7),
            bytes ->
                Checkpoint.sharded(JsonFile.parse(index, bytes))
                    .tensors()
                    .values()
                    .forEach(StoredTensor::toDoubles),
            proof);
  }

  private static List<TensorSource> shards() {
    RandomGenerator random = random(8);
    List<TensorSource> tensors = new ArrayList<>();
    for (int i = 0; i < 7; i++)
      tensors.add(
          TensorSource.of(
              StoredTensor.of("t" + i, gaussian(i, random), new int[] {i}, FloatFormat.F32)));
    return tensors;
  }

  @Claim("sharded-write")
  @Test
  void a_model_is_cut_into_files_and_found_again() throws IOException {
    for (long mostBytes : new long[] {1, 24, 25, 40, 60, 84, 1000}) {
      Path out = folder.resolve("most-" + mostBytes);
      SafetensorsWriter.writeShards(out, shards(), Map.of("format", "pt"), mostBytes);
      Checkpoint read = Checkpoint.open(out);
      assertThat(read.tensors()).hasSize(7);
      for (TensorSource tensor : shards())
        assertThat(
                read.tensor(tensor.name()).bytes().mismatch(tensor.pieces().of(0, tensor.count())))
            .isEqualTo(-1);
      List<Path> files = weightFiles(out);
      if (mostBytes >= 84) { // all 7 tensors have 84 bytes
        assertThat(files).extracting(Path::getFileName).hasToString("[model.safetensors]");
        continue;
      }
      assertThat(read.source()).hasFileName("model.safetensors.index.json");
      JsonFile index = JsonFile.read(read.source());
      assertThat(index.object("metadata").integer("total_size")).isEqualTo(84);
      assertThat(index.object("weight_map").root().size()).isEqualTo(7);
      for (int i = 0; i < files.size(); i++) {
        assertThat(files.get(i))
            .hasFileName("model-%05d-of-%05d.safetensors".formatted(i + 1, files.size()));
        Safetensors shard = Safetensors.open(files.get(i));
        long bytes = shard.entries().values().stream().mapToLong(WeightFile.Entry::bytes).sum();
        assertThat(bytes <= mostBytes || shard.tensors().size() == 1 || bytes <= 24)
            .as("%s has %d bytes", files.get(i), bytes)
            .isTrue();
      }
    }
    Refusal.of(
        () -> SafetensorsWriter.writeShards(folder, shards(), Map.of(), 0), "mostBytes", "0");
  }

  private static List<Path> weightFiles(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(path -> path.toString().endsWith(".safetensors")).sorted().toList();
    }
  }

  @Claim("conversion")
  @ParameterizedTest
  @EnumSource
  void elements_are_rounded_to_the_nearest_of_the_new_type(FloatFormat format) throws IOException {
    RandomGenerator random = random(9);
    int count = (1 << 18) + 257; // more than one piece
    var wide = StoredTensor.of("w", gaussian(count, random), new int[] {count}, FloatFormat.F32);
    ElementType type = ElementType.valueOf(format.name());
    SafetensorsWriter.writeSources(file, List.of(TensorSource.of(wide).as(type)), Map.of());
    float[] back = Safetensors.open(file).tensor("w").toFloats();
    float[] from = wide.toFloats();
    for (int i = 0; i < count; i++) assertThat(back[i]).isEqualTo((float) format.round(from[i]));
    var large = StoredTensor.of("big", new double[] {1e5}, new int[] {1}, FloatFormat.F32);
    TensorSource narrow = TensorSource.of(large).as(ElementType.F16);
    Refusal.of(
        () -> SafetensorsWriter.writeSources(file, List.of(narrow), Map.of()), "big", "100000");
    assertThat(Safetensors.open(file).tensor("w").count())
        .as("the old file is kept")
        .isEqualTo(count);
    var whole =
        new StoredTensor("i", ElementType.I8, new long[] {1}, MemorySegment.ofArray(new byte[1]));
    Refusal.of(() -> TensorSource.of(whole).as(ElementType.F32), "i", "I8", "F32");
    Refusal.of(() -> TensorSource.of(wide).as(ElementType.Q8_0), "w", "F32", "Q8_0");
  }

  /// Rows in another order, several tensors as one, and other types, cut anywhere.
  @Claim("conversion")
  @Test
  void a_tensor_is_the_same_in_whatever_pieces_it_is_asked_for() {
    RandomGenerator random = random(10);
    List<TensorSource> sources = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      double[] data = gaussian(6 * 96, random);
      sources.add(
          TensorSource.of(StoredTensor.of("q" + i, data, new int[] {6, 96}, BlockFormat.Q8_0)));
    }
    TensorSource turned = sources.get(0).rows(row -> 5 - row);
    float[] original = floats(sources.get(0), 0, 6 * 96);
    for (int row = 0; row < 6; row++)
      assertThat(floats(turned, row * 96L, 96))
          .isEqualTo(Arrays.copyOfRange(original, (5 - row) * 96, (6 - row) * 96));
    TensorSource stacked = TensorSource.stacked("all", sources);
    assertThat(stacked.shape()).containsExactly(3, 6, 96);
    assertThat(floats(stacked, 2 * 6 * 96, 6 * 96)).isEqualTo(floats(sources.get(2), 0, 6 * 96));
    for (TensorSource source : List.of(turned, stacked, turned.as(ElementType.Q4_0))) {
      float[] whole = floats(source, 0, source.count());
      for (int round = 0; round < 50; round++) {
        int from = 32 * random.nextInt(whole.length / 32);
        int count = 32 * random.nextInt(1, (whole.length - from) / 32 + 1);
        assertThat(floats(source, from, count))
            .isEqualTo(Arrays.copyOfRange(whole, from, from + count));
      }
    }
    Refusal.of(
        () -> TensorSource.stacked("all", List.of(sources.get(0), sources.get(1).shaped(96, 6))),
        "q0",
        "shape");
  }

  private static float[] floats(TensorSource source, long from, long count) {
    long[] shape = {count};
    return new StoredTensor("piece", source.type(), shape, source.pieces().of(from, count))
        .toFloats();
  }

  @Claim("bad-input")
  @Test
  void what_cannot_be_written_is_refused() {
    var w = StoredTensor.of("w", new double[2], new int[] {2}, FloatFormat.F32);
    Refusal.of(() -> SafetensorsWriter.write(file, List.of(w, w), Map.of()), "w", "twice");
    var blocks = StoredTensor.of("q", new double[32], new int[] {32}, BlockFormat.Q8_0);
    Refusal.of(() -> SafetensorsWriter.write(file, List.of(blocks), Map.of()), "q", "Q8_0");
    var reserved = StoredTensor.of("__metadata__", new double[0], new int[] {0}, FloatFormat.F32);
    Refusal.of(() -> SafetensorsWriter.write(file, List.of(reserved), Map.of()), "__metadata__");
    Refusal.of(() -> StoredTensor.of("w", new double[2], new int[] {3}, FloatFormat.F32), "w", "3");
    assertThat(file).doesNotExist();
  }
}
