package lemma.core.format;

import static java.nio.charset.StandardCharsets.UTF_8;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.proof.Claim;
import lemma.proof.Mutations;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Proves("gguf")
@DisplayNameGeneration(ReplaceUnderscores.class)
class GgufTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("x.gguf");
  }

  static Stream<ByteOrder> orders() {
    return Stream.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN);
  }

  /// A value of every type, the extremes among them, and arrays of arrays.
  private static Map<String, GgufValue> everyType() {
    Map<String, GgufValue> metadata = new LinkedHashMap<>();
    metadata.put("general.architecture", GgufValue.of("llama"));
    metadata.put("a.u8", new GgufValue.Whole(GgufValue.Type.UINT8, 255));
    metadata.put("a.i8", new GgufValue.Whole(GgufValue.Type.INT8, -128));
    metadata.put("a.u16", new GgufValue.Whole(GgufValue.Type.UINT16, 65_535));
    metadata.put("a.i16", new GgufValue.Whole(GgufValue.Type.INT16, -32_768));
    metadata.put("a.u32", GgufValue.ofUint32(4_294_967_295L));
    metadata.put("a.i32", new GgufValue.Whole(GgufValue.Type.INT32, Integer.MIN_VALUE));
    metadata.put("a.u64", new GgufValue.Whole(GgufValue.Type.UINT64, -1));
    metadata.put("a.i64", new GgufValue.Whole(GgufValue.Type.INT64, Long.MIN_VALUE));
    metadata.put("a.f32", GgufValue.ofFloat32(-0.1));
    metadata.put("a.f64", new GgufValue.Real(GgufValue.Type.FLOAT64, Math.PI));
    metadata.put("a.yes", GgufValue.of(true));
    metadata.put("a.text", GgufValue.of("line\nü 词 \uD83D\uDE00"));
    metadata.put("a.empty", GgufValue.of(""));
    metadata.put("a.texts", GgufValue.ofTexts(List.of("<s>", "", "▁the", "词")));
    metadata.put("a.none", GgufValue.ofTexts(List.of()));
    metadata.put(
        "a.flags",
        GgufValue.Array.of(GgufValue.Type.BOOL, List.of(GgufValue.of(true), GgufValue.of(false))));
    metadata.put(
        "a.shorts",
        GgufValue.Array.of(
            GgufValue.Type.INT16,
            List.of(
                new GgufValue.Whole(GgufValue.Type.INT16, -2),
                new GgufValue.Whole(GgufValue.Type.INT16, 300))));
    metadata.put(
        "a.nested",
        GgufValue.Array.of(
            GgufValue.Type.ARRAY,
            List.of(
                GgufValue.ofTexts(List.of("x", "yz")),
                GgufValue.Array.of(GgufValue.Type.FLOAT32, List.of(GgufValue.ofFloat32(0.5))))));
    return metadata;
  }

  /// A tensor of every type that can be read and is worth a look, and shapes of every rank.
  private static List<StoredTensor> tensors() {
    RandomGenerator random = random(1);
    List<StoredTensor> tensors = new ArrayList<>();
    int[][] shapes = {{}, {1}, {3, 5}, {2, 0, 4}, {7, 1, 2, 3}};
    for (FloatFormat format : FloatFormat.values())
      for (int i = 0; i < shapes.length; i++) {
        int count = 1;
        for (int size : shapes[i]) count *= size;
        tensors.add(StoredTensor.of(format + "." + i, gaussian(count, random), shapes[i], format));
      }
    for (BlockFormat format : BlockFormat.values())
      tensors.add(
          StoredTensor.of(format + ".0", gaussian(2 * 256, random), new int[] {2, 256}, format));
    byte[] integers = new byte[24];
    random.nextBytes(integers);
    for (ElementType type :
        List.of(
            ElementType.F64, ElementType.I64, ElementType.I32, ElementType.I16, ElementType.I8)) {
      long[] shape = {24 / type.byteSize(1)};
      tensors.add(new StoredTensor(type + ".0", type, shape, MemorySegment.ofArray(integers)));
    }
    return tensors;
  }

  private static List<TensorSource> sources() {
    return tensors().stream().map(TensorSource::of).toList();
  }

  @Claim("round-trip")
  @ParameterizedTest
  @MethodSource("orders")
  void what_is_written_is_read_in_either_byte_order(ByteOrder order) throws IOException {
    Map<String, GgufValue> metadata = everyType();
    GgufWriter.writeSources(file, metadata, sources(), order);
    Gguf read = Gguf.open(file);
    assertThat(read.order()).isEqualTo(order);
    assertThat(read.version()).isEqualTo(3);
    assertThat(read.metadata()).isEqualTo(metadata);
    assertThat(List.copyOf(read.metadata().keySet())).isEqualTo(List.copyOf(metadata.keySet()));
    assertThat(read.tensors()).hasSize(tensors().size());
    for (StoredTensor tensor : tensors()) {
      StoredTensor back = read.tensor(tensor.name());
      assertThat(back.shape()).as(tensor.name()).isEqualTo(tensor.shape());
      assertThat(back.type()).isEqualTo(tensor.type());
      assertThat(back.bytes().mismatch(tensor.bytes())).as(tensor.name()).isEqualTo(-1);
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).as("no temporary file is left").containsExactly(file);
    }
  }

  @Claim("specification")
  @ParameterizedTest
  @MethodSource("orders")
  void a_second_reader_finds_the_same(ByteOrder order) throws IOException {
    GgufWriter.writeSources(file, everyType(), sources(), order);
    var second = new GgufBySpecification(Files.readAllBytes(file), order);
    assertThat(second.version).isEqualTo(3);
    assertThat(second.metadata.keySet()).isEqualTo(everyType().keySet());
    assertThat(second.metadata)
        .containsEntry("a.u8", 255)
        .containsEntry("a.i8", -128)
        .containsEntry("a.u16", 65_535)
        .containsEntry("a.i16", -32_768)
        .containsEntry("a.u32", 4_294_967_295L)
        .containsEntry("a.i32", Integer.MIN_VALUE)
        .containsEntry("a.u64", -1L)
        .containsEntry("a.i64", Long.MIN_VALUE)
        .containsEntry("a.f32", -0.1f)
        .containsEntry("a.f64", Math.PI)
        .containsEntry("a.yes", true)
        .containsEntry("a.text", "line\nü 词 \uD83D\uDE00")
        .containsEntry("a.empty", "")
        .containsEntry("a.texts", List.of("<s>", "", "▁the", "词"))
        .containsEntry("a.none", List.of())
        .containsEntry("a.flags", List.of(true, false))
        .containsEntry("a.shorts", List.of(-2, 300))
        .containsEntry("a.nested", List.of(List.of("x", "yz"), List.of(0.5f)));
    assertThat(second.tensors).hasSize(tensors().size());
    assertThat(second.tensors.get("F32.2").innermostFirst()).containsExactly(5, 3);
    for (StoredTensor tensor : tensors())
      assertThat(second.tensors.get(tensor.name()).data())
          .as(tensor.name())
          .isEqualTo(inOrder(tensor, order));
  }

  /// The bytes of a tensor in a byte order. In blocks the half-precision scales turn round, which stand
  /// where the reference's structures have them, and nothing else is wider than a byte.
  private static byte[] inOrder(StoredTensor tensor, ByteOrder order) {
    byte[] bytes = tensor.bytes().toArray(ValueLayout.JAVA_BYTE);
    if (order == ByteOrder.LITTLE_ENDIAN) return bytes;
    int blockBytes = (int) tensor.type().byteSize(tensor.type().blockSize());
    int[] scales =
        switch (tensor.type()) {
          case Q4_0, Q8_0 -> new int[] {0};
          case Q4_1, Q4_K -> new int[] {0, 2};
          case Q6_K -> new int[] {208};
          default -> null;
        };
    for (int block = 0; block < bytes.length; block += blockBytes)
      if (scales == null) turn(bytes, block, blockBytes);
      else for (int scale : scales) turn(bytes, block + scale, 2);
    return bytes;
  }

  private static void turn(byte[] bytes, int from, int count) {
    for (int i = 0; i < count / 2; i++) {
      byte b = bytes[from + i];
      bytes[from + i] = bytes[from + count - 1 - i];
      bytes[from + count - 1 - i] = b;
    }
  }

  @Claim("byte-order")
  @Test
  void numbers_of_a_big_endian_file_come_out_right() throws IOException {
    double[] values = {1, -2.5, 65_504, 0.1};
    var f16 = StoredTensor.of("h", values, new int[] {4}, FloatFormat.F16);
    var f32 = StoredTensor.of("s", values, new int[] {4}, FloatFormat.F32);
    List<TensorSource> tensors = List.of(TensorSource.of(f16), TensorSource.of(f32));
    GgufWriter.writeSources(file, Map.of(), tensors, ByteOrder.BIG_ENDIAN);
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)); // big-endian, as it is by default
    int start = bytes.capacity() - 64;
    assertThat(bytes.getShort(start + 4)).isEqualTo((short) 0x7BFF); // 65504 in f16
    assertThat(bytes.getFloat(start + 32 + 4)).isEqualTo(-2.5f);
    Gguf read = Gguf.open(file);
    assertThat(read.tensor("h").toDoubles()).isEqualTo(f16.toDoubles());
    assertThat(read.tensor("s").toFloats()).containsExactly(1, -2.5f, 65_504, 0.1f);
  }

  /// The sections in their order on disk, each with where it begins.
  @Claim("sections")
  @ParameterizedTest(allowZeroInvocations = true)
  @MethodSource("references")
  void both_counts_stand_before_the_metadata(Path reference) throws IOException {
    byte[] bytes = Files.readAllBytes(reference);
    var second = new GgufBySpecification(bytes, ByteOrder.LITTLE_ENDIAN);
    assertThat(List.copyOf(second.sections.keySet()))
        .containsExactly(
            "magic",
            "version",
            "tensor count",
            "metadata count",
            "metadata",
            "tensor infos",
            "padding",
            "data");
    ByteBuffer header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(header.getLong(8)).isEqualTo(second.tensors.size());
    assertThat(header.getLong(16)).isEqualTo(second.metadata.size());
    assertThat(second.sections).containsEntry("metadata", 24L);
  }

  /// Whoever takes the metadata to follow the version reads a key as long as the tensor count, and
  /// no byte says how to read the numbers.
  @Claim("sections")
  @ParameterizedTest(allowZeroInvocations = true)
  @MethodSource("references")
  void metadata_right_after_the_version_is_no_metadata(Path reference) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.wrap(Files.readAllBytes(reference)).order(ByteOrder.LITTLE_ENDIAN);
    int length = (int) bytes.getLong(8); // taken for the length of the first key
    byte[] key = new byte[length];
    bytes.get(16, key);
    assertThat(new String(key, UTF_8)).doesNotStartWith("general.").contains("\0");
    assertThat(Gguf.open(reference).metadata()).containsKey("general.architecture");
  }

  @Claim("no-order-field")
  @Test
  void the_byte_order_is_told_by_the_version_alone() throws IOException {
    GgufWriter.writeSources(file, Map.of(), List.of(), ByteOrder.LITTLE_ENDIAN);
    byte[] little = Files.readAllBytes(file);
    GgufWriter.writeSources(file, Map.of(), List.of(), ByteOrder.BIG_ENDIAN);
    byte[] big = Files.readAllBytes(file);
    assertThat(little).startsWith('G', 'G', 'U', 'F', 3, 0, 0, 0);
    assertThat(big).startsWith('G', 'G', 'U', 'F', 0, 0, 0, 3);
    for (int i = 0; i < little.length; i++) // an empty file has nothing else that differs
    if (i != 4 && i != 7) assertThat(little[i]).as("byte " + i).isEqualTo(big[i]);
    assertThat(Gguf.open(file).order()).isEqualTo(ByteOrder.BIG_ENDIAN);
  }

  @Claim("versions")
  @Test
  void versions_2_and_3_are_read_and_others_named() throws IOException {
    GgufWriter.write(file, everyType(), tensors());
    byte[] bytes = Files.readAllBytes(file);
    for (int version : new int[] {2, 3}) {
      bytes[4] = (byte) version;
      Gguf read = read(bytes);
      assertThat(read.version()).isEqualTo(version);
      assertThat(read.metadata()).isEqualTo(everyType());
    }
    for (int version : new int[] {0, 1, 4, 255}) {
      bytes[4] = (byte) version;
      Refusal.of(() -> read(bytes), "version " + version, "2 and 3");
    }
  }

  @Claim("alignment")
  @ParameterizedTest
  @ValueSource(ints = {8, 32, 64, 4096})
  void tensors_begin_at_multiples_of_the_alignment(int alignment) throws IOException {
    Map<String, GgufValue> metadata =
        alignment == 32
            ? Map.of() // what a file without the key has
            : Map.of("general.alignment", GgufValue.ofUint32(alignment));
    GgufWriter.write(file, metadata, tensors());
    assertThat(Files.size(file) % alignment).isZero();
    var second = new GgufBySpecification(Files.readAllBytes(file), ByteOrder.LITTLE_ENDIAN);
    assertThat(second.sections.get("data") % alignment).isZero();
    MemorySegment start = Gguf.open(file).tensor("F32.0").bytes(); // the first one in the file
    for (StoredTensor tensor : Gguf.open(file).tensors().values())
      if (tensor.count() > 0 && alignment <= 4096) // a mapping begins at a page
      assertThat(tensor.bytes().address() % alignment).as(tensor.name()).isZero();
    assertThat(start.isMapped()).isTrue();
  }

  static Stream<Path> references() throws Exception {
    String replacement = System.getProperty("golden.dir");
    Path root =
        replacement == null
            ? Path.of(GgufTest.class.getResource("/golden/core/checkpoints").toURI())
            : Path.of(replacement, "core", "checkpoints");
    if (!Files.isDirectory(root)) return Stream.empty();
    try (Stream<Path> files = Files.walk(root)) {
      return files.filter(path -> path.toString().endsWith(".gguf")).sorted().toList().stream();
    }
  }

  @Claim("parity")
  @ParameterizedTest(allowZeroInvocations = true, name = "{0}")
  @MethodSource("references")
  void a_reference_file_that_is_written_again_has_the_same_bytes(Path reference)
      throws IOException {
    Gguf read = Gguf.open(reference);
    GgufWriter.write(file, read.metadata(), read.tensors().values());
    assertThat(Files.mismatch(file, reference)).isEqualTo(-1);
  }

  @Claim("parity")
  @ParameterizedTest(allowZeroInvocations = true, name = "{0}")
  @MethodSource("references")
  void a_reference_file_in_the_other_byte_order_has_the_same_content(Path reference)
      throws IOException {
    Gguf little = Gguf.open(reference);
    List<TensorSource> sources = little.tensors().values().stream().map(TensorSource::of).toList();
    GgufWriter.writeSources(file, little.metadata(), sources, ByteOrder.BIG_ENDIAN);
    Gguf big = Gguf.open(file);
    assertThat(big.order()).isEqualTo(ByteOrder.BIG_ENDIAN);
    assertThat(big.metadata()).isEqualTo(little.metadata());
    for (StoredTensor tensor : little.tensors().values())
      assertThat(big.tensor(tensor.name()).toFloats()).isEqualTo(tensor.toFloats());
  }

  @Claim("mapped")
  @Test
  void a_large_file_is_opened_without_reading_it(Proof proof) throws IOException {
    long rows = 5L << 20; // 5 GiB in all: more than the heap, and than an array can hold
    byte[] info =
        new Header()
            .counts(1, 0)
            .text("big")
            .u32(2)
            .u64(512)
            .u64(rows)
            .u32(GgmlType.BF16.id())
            .u64(0)
            .bytes();
    try (var channel =
        Files.newByteChannel(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.SPARSE,
            StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(info));
      long start = GgufHeader.filledUp(info.length, 32);
      channel.position(start + rows * 1024 - 1).write(ByteBuffer.wrap(new byte[1]));
    }
    StoredTensor big = Gguf.open(file).tensor("big");
    assertThat(big.shape()).containsExactly(rows, 512);
    assertThat(big.bytes().isMapped()).isTrue();
    proof.measured("bytes mapped", big.bytes().byteSize());
    Refusal.of(big::toDoubles, "big", "too large");
  }

  @Claim("unread-types")
  @Test
  void a_type_that_cannot_be_read_is_listed_and_refused_by_name() {
    for (GgmlType type : GgmlType.values()) {
      byte[] header =
          new Header()
              .counts(1, 0)
              .text("w")
              .u32(2)
              .u64(type.blockSize())
              .u64(3)
              .u32(type.id())
              .u64(0)
              .padded(3 * type.blockBytes());
      Gguf read = read(header);
      assertThat(read.entries().get("w").type()).isEqualTo(type.name());
      assertThat(read.entries().get("w").bytes()).isEqualTo(3L * type.blockBytes());
      if (type.elementType().isPresent())
        assertThat(read.tensor("w").bytes().byteSize()).isEqualTo(3L * type.blockBytes());
      else Refusal.of(() -> read.tensor("w"), "w", type.name(), "cannot be read");
    }
    assertThat(GgmlType.of(ElementType.Q4_K).orElseThrow().elementType())
        .contains(ElementType.Q4_K);
  }

  /// Writes headers that the real writer would not.
  private static final class Header {
    private final GgufEncoder out = new GgufEncoder(ByteOrder.LITTLE_ENDIAN);

    Header() {
      out.raw("GGUF".getBytes(UTF_8));
      out.u32(3);
    }

    Header counts(long tensors, long metadata) {
      return u64(tensors).u64(metadata);
    }

    Header u32(long value) {
      out.u32(value);
      return this;
    }

    Header u64(long value) {
      out.u64(value);
      return this;
    }

    Header text(String text) {
      out.text(text);
      return this;
    }

    Header raw(int... bytes) {
      for (int b : bytes) out.raw(new byte[] {(byte) b});
      return this;
    }

    /// A tensor of type F32 and one axis.
    Header tensor(String name, long size, long offset) {
      return text(name).u32(1).u64(size).u32(0).u64(offset);
    }

    byte[] bytes() {
      return out.toByteArray();
    }

    byte[] padded(int data) {
      out.raw(new byte[(int) (GgufHeader.filledUp(out.size(), 32) - out.size()) + data]);
      return bytes();
    }
  }

  private Gguf read(byte[] bytes) {
    return Gguf.read(file, MemorySegment.ofArray(bytes));
  }

  record Hostile(Consumer<Header> header, int data, String... words) {
    @Override
    public String toString() {
      return String.join(", ", words);
    }
  }

  private static Hostile hostile(Consumer<Header> header, int data, String... words) {
    return new Hostile(header, data, words);
  }

  private static final int TEXT = GgufValue.Type.STRING.ordinal();
  private static final int ARRAY = GgufValue.Type.ARRAY.ordinal();

  static Stream<Hostile> hostile() {
    return Stream.of(
        hostile(h -> h.counts(1L << 60, 0), 64, "tensor count", "1152921504606846976"),
        hostile(h -> h.counts(-1, 0), 64, "tensor count", "18446744073709551615"),
        hostile(h -> h.counts(0, Long.MAX_VALUE), 64, "metadata count"),
        hostile(h -> h.counts(0, 1).u64(1L << 40), 64, "metadata key", "cut off"),
        hostile(h -> h.counts(0, 1).u64(-1), 64, "metadata key", "18446744073709551615"),
        hostile(h -> h.counts(0, 1).u64(2).raw(0xC0, 0x80), 64, "key", "UTF-8"),
        hostile(h -> h.counts(0, 1).text("k").u32(13), 64, "k", "type 13"),
        hostile(h -> h.counts(0, 1).text("k").u32(-1), 64, "k", "type 4294967295"),
        hostile(h -> h.counts(0, 1).text("k").u32(7).raw(2), 64, "k", "0 or 1", "2"),
        hostile(h -> h.counts(0, 1).text("k").u32(TEXT).u64(1L << 33), 64, "k"),
        hostile(h -> h.counts(0, 1).text("k").u32(ARRAY).u32(0).u64(1L << 62), 64, "k", "most"),
        hostile(h -> h.counts(0, 1).text("k").u32(ARRAY).u32(0).u64(1L << 30), 64, "k", "cut off"),
        hostile(h -> h.counts(0, 1).text("k").u32(ARRAY).u32(99).u64(1), 64, "k", "type 99"),
        hostile(
            h -> h.counts(0, 1).text("k").u32(ARRAY).u32(TEXT).u64(1).u64(1).raw(0xFF), 64, "k"),
        hostile(h -> nested(h.counts(0, 1).text("k").u32(ARRAY), 17), 64, "k", "nested", "16"),
        hostile(h -> nested(h.counts(0, 1).text("k").u32(ARRAY), 5000), 64, "k", "nested", "16"),
        hostile(h -> key(key(h.counts(0, 2), "k"), "k"), 64, "k", "twice"),
        hostile(h -> h.counts(0, 1).text("general.alignment").u32(4).u32(0), 64, "alignment", "0"),
        hostile(h -> h.counts(0, 1).text("general.alignment").u32(4).u32(1 << 30), 64, "1048576"),
        hostile(h -> h.counts(0, 1).text("general.alignment").u32(4).u32(12), 64, "12"),
        hostile(h -> h.counts(0, 1).text("general.alignment").u32(4).u32(-8), 64, "4294967288"),
        hostile(h -> h.counts(0, 1).text("general.alignment").u32(5).u32(32), 64, "INT32"),
        hostile(h -> h.counts(2, 0).tensor("w", 8, 0).tensor("w", 8, 32), 64, "w", "twice"),
        hostile(h -> h.counts(2, 0).tensor("w", 9, 0).tensor("v", 8, 32), 64, "v", "inside", "36"),
        hostile(h -> h.counts(2, 0).tensor("w", 8, 0).tensor("v", 8, 0), 64, "inside"),
        hostile(h -> h.counts(1, 0).tensor("w", 17, 0), 64, "w", "68", "64", "cut off"),
        hostile(h -> h.counts(1, 0).tensor("w", 8, 64), 64, "w", "96", "64"),
        hostile(h -> h.counts(1, 0).tensor("w", 8, 1L << 62), 64, "w", "cut off"),
        hostile(h -> h.counts(1, 0).tensor("w", 8, -32), 64, "w", "offset"),
        hostile(h -> h.counts(1, 0).tensor("w", 8, 4), 64, "w", "4", "multiple of 32"),
        hostile(h -> h.counts(1, 0).tensor("w", 1L << 62, 0), 64, "w", "counted"),
        hostile(h -> h.counts(1, 0).tensor("w", -1, 0), 64, "w", "counted"),
        hostile(
            h -> h.counts(1, 0).text("w").u32(2).u64(1L << 32).u64(1L << 32).u32(0).u64(0),
            64,
            "w",
            "counted"),
        hostile(h -> h.counts(1, 0).text("w").u32(5).raw(new int[52]), 64, "w", "5 axes"),
        hostile(h -> h.counts(1, 0).text("w").u32(-1), 64, "w", "4294967295 axes"),
        hostile(h -> h.counts(1, 0).text("w").u32(1).u64(8).u32(4).u64(0), 64, "w", "type 4"),
        hostile(h -> h.counts(1, 0).text("w").u32(1).u64(33).u32(8).u64(0), 64, "Q8_0", "32"));
  }

  private static Header key(Header header, String key) {
    return header.text(key).u32(TEXT).text("v");
  }

  private static void nested(Header header, int depth) {
    for (int i = 0; i < depth; i++) header.u32(ARRAY).u64(1);
    header.u32(0).u64(0);
  }

  @Claim("hostile")
  @ParameterizedTest
  @MethodSource
  void hostile(Hostile hostile) {
    var header = new Header();
    hostile.header().accept(header);
    byte[] bytes = header.padded(hostile.data());
    Refusal.of(() -> read(bytes), hostile.words());
    assertThatThrownBy(() -> read(bytes))
        .isInstanceOf(FormatException.class)
        .message()
        .startsWith(file + ": ");
  }

  @Claim("hostile")
  @Test
  void every_beginning_of_a_file_is_refused() throws IOException {
    GgufWriter.write(file, everyType(), tensors());
    byte[] good = Files.readAllBytes(file);
    int data =
        new GgufBySpecification(good, ByteOrder.LITTLE_ENDIAN).sections.get("data").intValue();
    for (int size = 0; size < data; size++) {
      MemorySegment cut = MemorySegment.ofArray(good).asSlice(0, size);
      assertThatThrownBy(() -> Gguf.read(file, cut)).isInstanceOf(FormatException.class);
    }
    Refusal.of(() -> Gguf.open(folder.resolve("none")), "none", "no such file");
    Refusal.of(() -> Gguf.open(folder), folder.toString());
  }

  @Claim("mutations")
  @Test
  @Timeout(60) // a reader that hangs fails
  void no_damage_does_more_than_be_refused(Proof proof) throws Exception {
    GgufWriter.write(file, everyType(), tensors());
    byte[] little = Files.readAllBytes(file);
    GgufWriter.writeSources(file, everyType(), sources(), ByteOrder.BIG_ENDIAN);
    byte[] big = Files.readAllBytes(file);
    byte[] small = new Header().counts(2, 0).tensor("w", 8, 0).tensor("v", 8, 32).padded(64);
    new Mutations(FormatException.class, 1 << 18, 48)
        .words("GGUF", "\11\0\0\0\11\0\0\0\1\0\0\0\0\0\0\0", "general.alignment", "\10\0\0\0")
        .prove(
            10_000, List.of(little, big, small), random(2), bytes -> readAll(read(bytes)), proof);
  }

  @Claim("mutations")
  @Test
  @Timeout(60)
  void nor_does_a_damaged_file_that_is_mapped(Proof proof) throws Exception {
    GgufWriter.write(file, everyType(), tensors());
    byte[] good = Files.readAllBytes(file);
    new Mutations(FormatException.class, 1 << 18, 48)
        .proveInFile(
            500,
            List.of(good),
            random(3),
            file,
            damaged -> {
              try (Arena arena = Arena.ofShared()) {
                readAll(Gguf.open(damaged, arena));
              }
            },
            proof);
  }

  /// Looks at everything that a file says.
  private static void readAll(Gguf gguf) {
    for (GgufValue value : gguf.metadata().values()) {
      assertThat(value.toString()).isNotNull();
      if (value instanceof GgufValue.Array array) assertThat(array.first(8)).doesNotContainNull();
    }
    for (StoredTensor tensor : gguf.tensors().values())
      if (TensorSource.holdsNumbers(tensor.type())) tensor.toDoubles();
  }

  @Claim("metadata")
  @Test
  void metadata_is_asked_for_by_type(@TempDir Path other) throws IOException {
    GgufWriter.write(file, everyType(), List.of());
    Gguf read = Gguf.open(file);
    assertThat(read.text("general.architecture")).isEqualTo("llama");
    assertThat(read.integer("a.i16")).isEqualTo(-32_768);
    assertThat(read.integer("not.there", 7)).isEqualTo(7);
    assertThat(read.number("a.f64")).isEqualTo(Math.PI);
    assertThat(read.flag("a.yes", false)).isTrue();
    assertThat(read.texts("a.texts")).containsExactly("<s>", "", "▁the", "词");
    assertThat(read.integers("a.shorts")).containsExactly(-2, 300);
    Refusal.of(() -> read.text("not.there"), file.toString(), "not.there", "missing");
    Refusal.of(() -> read.text("a.u8"), "a.u8", "text", "255");
    Refusal.of(() -> read.integer("a.u32"), "a.u32", "32 bits", "4294967295");
    Refusal.of(() -> read.integer("a.f32"), "a.f32", "integer");
    Refusal.of(() -> read.number("a.text"), "a.text", "real");
    Refusal.of(() -> read.texts("a.shorts"), "a.shorts", "texts");
    Refusal.of(() -> read.integers("a.texts"), "a.texts", "integers");
    Refusal.of(() -> read.tensor("w"), "w", "missing");
  }

  @Claim("bad-input")
  @Test
  void what_cannot_be_written_is_refused() {
    var w = StoredTensor.of("w", new double[2], new int[] {2}, FloatFormat.F32);
    Refusal.of(() -> GgufWriter.write(file, Map.of(), List.of(w, w)), "w", "twice");
    var longName = StoredTensor.of("n".repeat(64), new double[1], new int[] {1}, FloatFormat.F32);
    Refusal.of(() -> GgufWriter.write(file, Map.of(), List.of(longName)), "64", "63");
    var five = StoredTensor.of("five", new double[1], new int[] {1, 1, 1, 1, 1}, FloatFormat.F32);
    Refusal.of(() -> GgufWriter.write(file, Map.of(), List.of(five)), "five", "5 axes", "4");
    var flag =
        new StoredTensor("b", ElementType.BOOL, new long[] {1}, MemorySegment.ofArray(new byte[1]));
    Refusal.of(() -> GgufWriter.write(file, Map.of(), List.of(flag)), "b", "BOOL");
    Map<String, GgufValue> odd = Map.of("general.alignment", GgufValue.ofUint32(12));
    Refusal.of(() -> GgufWriter.write(file, odd, List.of()), "alignment", "12");
    Refusal.of(() -> new GgufValue.Whole(GgufValue.Type.UINT8, 256), "UINT8", "256");
    Refusal.of(() -> new GgufValue.Whole(GgufValue.Type.INT8, 128), "INT8", "128");
    Refusal.of(() -> new GgufValue.Whole(GgufValue.Type.UINT32, -1), "UINT32", "-1");
    Refusal.of(() -> new GgufValue.Whole(GgufValue.Type.BOOL, 1), "BOOL");
    Refusal.of(
        () -> GgufValue.Array.of(GgufValue.Type.BOOL, List.of(GgufValue.of("x"))),
        "BOOL",
        "STRING");
    assertThat(file).doesNotExist();
  }
}
