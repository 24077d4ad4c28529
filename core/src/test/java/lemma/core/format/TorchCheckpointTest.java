package lemma.core.format;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
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
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Proves("torch-checkpoint")
@DisplayNameGeneration(ReplaceUnderscores.class)
class TorchCheckpointTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("x.pt");
  }

  private TorchCheckpoint read(byte[] bytes) {
    return TorchCheckpoint.read(file, MemorySegment.ofArray(bytes));
  }

  private static Path resource(String name) throws Exception {
    return Path.of(TorchCheckpointTest.class.getResource("/lemma/core/format/" + name).toURI());
  }

  @Claim("cpython")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "protocol-2.pt",
        "protocol-3.pt",
        "protocol-4.pt",
        "protocol-5.pt",
        "big-endian.pt"
      })
  void pickles_that_cpython_wrote_are_read(String name) throws Exception {
    TorchCheckpoint read = TorchCheckpoint.open(resource(name));
    assertThat(List.copyOf(read.entries().keySet()))
        .containsExactly(
            "linear.weight", "linear.transposed", "linear.column", "half", "count", "tied");
    assertThat(read.tensor("linear.weight").shape()).containsExactly(2, 3);
    assertThat(read.tensor("linear.weight").toDoubles()).containsExactly(0, 1, 2, 3, 4, 5);
    assertThat(read.tensor("linear.transposed").shape()).containsExactly(3, 2);
    assertThat(read.tensor("linear.transposed").toDoubles()).containsExactly(0, 3, 1, 4, 2, 5);
    assertThat(read.tensor("linear.column").toDoubles()).containsExactly(1, 4);
    assertThat(read.tensor("half").type()).isEqualTo(ElementType.F16);
    assertThat(read.tensor("half").toDoubles()).containsExactly(0.5, -2, 65_504);
    assertThat(read.tensor("count").shape()).isEmpty();
    ByteBuffer count = read.tensor("count").bytes().asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    assertThat(count.getLong()).isEqualTo(-9);
    assertThat(read.tensor("tied").toDoubles()).isEqualTo(read.tensor("linear.weight").toDoubles());
  }

  @Claim("strides")
  @Test
  void element_i_j_lies_at_offset_plus_i_and_j_times_their_strides() {
    RandomGenerator random = random(1);
    int copied = 0;
    for (int round = 0; round < 300; round++) {
      int elements = random.nextInt(1, 200);
      byte[] storage = new byte[4 * elements];
      ByteBuffer numbers = ByteBuffer.wrap(storage).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < elements; i++) numbers.putFloat(4 * i, i);
      long offset = random.nextInt(elements);
      long[] shape = random.longs(random.nextInt(4), 1, 5).toArray();
      long[] strides = random.longs(shape.length, 0, 12).toArray();
      long last = offset;
      for (int axis = 0; axis < shape.length; axis++) last += (shape[axis] - 1) * strides[axis];
      byte[] bytes =
          TorchFile.of("w", elements, offset, shape, strides).storage("0", storage).toByteArray();
      if (last >= elements) {
        Refusal.of(() -> read(bytes), "storage");
        continue;
      }
      TorchTensor view = read(bytes).views().get("w");
      if (!view.isContiguous() && view.byteSize() > storage.length) {
        Refusal.of(() -> read(bytes).tensor("w"), "w", "repeats");
        continue;
      }
      if (!view.isContiguous()) copied++;
      assertThat(read(bytes).tensor("w").toDoubles()).isEqualTo(elements(shape, strides, offset));
    }
    assertThat(copied).isGreaterThan(20);
  }

  /// The definition: since element k of the storage holds k, a view holds its own positions.
  private static double[] elements(long[] shape, long[] strides, long offset) {
    double[] all = {offset};
    for (int axis = 0; axis < shape.length; axis++) {
      double[] wider = new double[all.length * (int) shape[axis]];
      for (int i = 0; i < wider.length; i++)
        wider[i] = all[i / (int) shape[axis]] + i % shape[axis] * strides[axis];
      all = wider;
    }
    return all;
  }

  @Claim("mapped")
  @Test
  void contiguous_tensors_are_slices_of_the_file_and_may_share_them() throws Exception {
    TorchCheckpoint read = TorchCheckpoint.open(resource("protocol-2.pt"));
    MemorySegment weight = read.tensor("linear.weight").bytes();
    assertThat(weight.isMapped()).isTrue();
    assertThat(read.tensor("tied").bytes().address()).isEqualTo(weight.address());
    assertThat(read.tensor("half").bytes().isMapped()).isTrue();
    assertThat(read.tensor("linear.transposed").bytes().isMapped()).isFalse(); // copied
    byte[] file = Files.readAllBytes(resource("protocol-2.pt"));
    int at = new String(file, StandardCharsets.ISO_8859_1).indexOf("\0\0\u0080?");
    assertThat(at).as("the bytes of 1.0 are in the file as they are").isPositive();
  }

  @Claim("which-tensors")
  @Test
  void a_state_dict_is_taken_alone_and_else_everything_with_dotted_names() {
    TorchFile nested = new TorchFile().op('}', '(').text("model").op('}', '(').text("w");
    nested.tensor("FloatStorage", "0", 2, 0, new long[] {2}, new long[] {1}).op('u');
    nested.text("step").integer(7).text("ema").op(']', '(');
    nested.tensor("FloatStorage", "0", 2, 1, new long[] {}, new long[] {}).op('e');
    nested.op('u', '.').storage("0", new byte[8]);
    assertThat(read(nested.toByteArray()).tensors().keySet()).containsExactly("model.w", "ema.0");
    TorchFile twice = new TorchFile().op('}', '(').text("a.b");
    twice.tensor("FloatStorage", "0", 2, 0, new long[] {2}, new long[] {1});
    twice.text("a").op('}').text("b");
    twice.tensor("FloatStorage", "0", 2, 0, new long[] {2}, new long[] {1}).op('s', 'u', '.');
    twice.storage("0", new byte[8]);
    Refusal.of(() -> read(twice.toByteArray()), "a.b", "twice");
    Refusal.of(() -> read(new TorchFile().op(']', '.').toByteArray()), "dictionary");
  }

  /// `data["state_dict"] = data` before saving, which is a way to make a `.ckpt` that is passed around.
  @Claim("holds-itself")
  @Test
  void a_dictionary_that_holds_itself_is_read_once() {
    TorchFile itself = new TorchFile().op('}', 'q', 0, '(').text("w");
    itself.tensor("FloatStorage", "0", 2, 0, of(2), of(1)).text("state_dict").op('h', 0, 'u', '.');
    byte[] bytes = itself.storage("0", new byte[8]).toByteArray();
    assertThat(read(bytes).tensors().keySet()).containsExactly("w");
    TorchFile list = new TorchFile().op('}').text("l").op(']', 'q', 0, 'h', 0, 'a', 's', '.');
    assertThat(read(list.toByteArray()).tensors()).isEmpty();
  }

  @Claim("to-safetensors")
  @Test
  void a_checkpoint_becomes_a_safetensors_file() throws Exception {
    TorchCheckpoint read = TorchCheckpoint.open(resource("protocol-2.pt"));
    Path out = folder.resolve("x.safetensors");
    SafetensorsWriter.write(out, read.tensors().values(), Map.of("format", "pt"));
    Safetensors back = Safetensors.open(out);
    assertThat(back.tensors().keySet())
        .containsExactlyInAnyOrderElementsOf(read.entries().keySet());
    for (String name : read.entries().keySet()) {
      assertThat(back.tensor(name).shape()).isEqualTo(read.tensor(name).shape());
      assertThat(back.tensor(name).bytes().mismatch(read.tensor(name).bytes())).isEqualTo(-1);
    }
  }

  /// Ways to have code run that have been found in the wild or in the manuals.
  @Claim("no-code")
  @ParameterizedTest
  @CsvSource({
    "os, system",
    "posix, system",
    "nt, system",
    "subprocess, Popen",
    "builtins, eval",
    "builtins, exec",
    "builtins, getattr",
    "builtins, __import__",
    "__builtin__, eval",
    "runpy, _run_code",
    "pickle, loads",
    "operator, attrgetter",
    "functools, partial",
    "torch, load",
    "torch.hub, load",
    "torch._utils, _rebuild_device_tensor_from_numpy",
    "torch.storage, _load_from_bytes",
    "numpy.core.multiarray, _reconstruct",
    "pytorch_lightning.callbacks.model_checkpoint, ModelCheckpoint",
    "collections, OrderedDict.__init__",
    "java.lang, Runtime",
    "lemma.core.format, Pickle",
    "'', ''"
  })
  void a_pickle_that_asks_for_a_function_is_refused_by_its_name(String module, String name) {
    Path trace = folder.resolve("trace");
    String command = "touch " + trace;
    TorchFile called =
        new TorchFile().op('}', '(').text("w").global(module, name).op('(').text(command);
    called.op('t', 'R', 'u', '.');
    TorchFile onTheStack = new TorchFile().op('}', '(').text("w").text(module).text(name).op(0x93);
    onTheStack.op('(').text(command).op('t', 'R', 'u', '.');
    TorchFile unused = new TorchFile().global(module, name).op('0', '}', '.');
    for (TorchFile gadget : List.of(called, onTheStack, unused))
      Refusal.of(
          () -> read(gadget.toByteArray()), file.toString(), module + "." + name, "not allowed");
    assertThat(trace).doesNotExist();
  }

  @Claim("no-code")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "(S'id'\nios\nsystem\n.", // INST
        "(cos\nsystem\nS'id'\no.", // OBJ
        "ccollections\nOrderedDict\n)\u0081.", // NEWOBJ
        "ccollections\nOrderedDict\n)}\u0092.", // NEWOBJ_EX
        "\u0082\u0001.", // EXT1
        "Pid\n.", // PERSID
        "S'id'\n.", // STRING, which is Python source
        "I01\n.",
        "\u0097.", // NEXT_BUFFER
      })
  void instructions_that_make_objects_are_refused(String code) {
    assertThatThrownBy(() -> read(new TorchFile().raw(code).toByteArray()))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("not allowed");
  }

  @Claim("no-code")
  @Test
  void known_names_are_called_only_for_what_they_build() {
    for (String call :
        List.of(
            "ccollections\nOrderedDict\n(K\u0001tR.",
            "ctorch\nFloatStorage\n)R.",
            "ctorch._utils\n_rebuild_tensor_v2\n)R.",
            "ctorch._utils\n_rebuild_parameter\n)R.",
            "ctorch._utils\n_rebuild_parameter\n(}tR.",
            "N)R.",
            "K\u0001Q.",
            "ccollections\nOrderedDict\n}b.",
            "ccollections\nOrderedDict\n}R."))
      assertThatThrownBy(() -> read(new TorchFile().raw(call).toByteArray()))
          .as(call)
          .isInstanceOf(FormatException.class);
  }

  record Bad(TorchFile file, String... words) {
    @Override
    public String toString() {
      return String.join(", ", words);
    }
  }

  private static long[] of(long... values) {
    return values;
  }

  static Stream<Bad> hostile() {
    long most = Long.MAX_VALUE;
    return Stream.of(
        new Bad(TorchFile.of("w", 6, 1, of(2, 3), of(3, 1)), "[2, 3]", "out of its storage"),
        new Bad(TorchFile.of("w", 6, 0, of(2, 3), of(4, 1)), "[2, 3]", "6 elements", "axis"),
        new Bad(TorchFile.of("w", 6, 7, of(), of()), "element 7 of 6"),
        new Bad(TorchFile.of("w", 6, 6, of(), of()), "6 of 6"),
        new Bad(TorchFile.of("w", 6, -1, of(1), of(1)), "-1"),
        new Bad(TorchFile.of("w", 6, 0, of(-1), of(1)), "sizes"),
        new Bad(TorchFile.of("w", 6, 0, of(2), of(-1)), "sizes"),
        new Bad(TorchFile.of("w", 6, 0, of(2), of(1, 1)), "1 sizes and 2 strides"),
        new Bad(TorchFile.of("w", 6, 0, of(2, 2), of(most, most)), "out of its storage"),
        new Bad(TorchFile.of("w", 6, 0, of(most, most), of(0, 0)), "counted"),
        new Bad(TorchFile.of("w", 6, 0, of(1L << 40), of(0)), "repeats", "4398046511104"),
        new Bad(TorchFile.of("w", 6, 0, of(2), of(1)).storage("0", new byte[23]), "6", "23 bytes"),
        new Bad(
            new TorchFile()
                .op('}')
                .text("w")
                .tensor("FloatStorage", "../0", 1, 0, of(), of())
                .op('s', '.'),
            "../0",
            "missing"),
        new Bad(TorchFile.of("w", 6, 0, of(2), of(1)).compressed(), "data.pkl", "compressed"),
        new Bad(TorchFile.of("w", 6, 0, of(2), of(1)).byteOrder("middle"), "byteorder", "middle"),
        new Bad(new TorchFile().op('.'), "0 values"),
        new Bad(new TorchFile().op('N', 'N', '.'), "2 values"),
        new Bad(new TorchFile().op('('), "cut off"),
        new Bad(new TorchFile().op('0'), "empty stack"),
        new Bad(new TorchFile().op('t'), "group"),
        new Bad(new TorchFile().op('h', 1), "recalls value 1"),
        new Bad(new TorchFile().op('}', '(', 'N', 'u'), "half"),
        new Bad(new TorchFile().op('}', 'N', 'N', 's'), "key"),
        new Bad(new TorchFile().op('}', ')', 'N', 's'), "key"),
        new Bad(new TorchFile().op('N', 'N', 'a'), "appends"),
        new Bad(new TorchFile().op('X', 255, 255, 255, 127), "cut off", "2147483647"),
        new Bad(new TorchFile().op(0x8d, 255, 255, 255, 255, 255, 255, 255, 255), "cut off"),
        new Bad(new TorchFile().op('X', 2, 0, 0, 0, 0xC0, 0x80), "UTF-8"),
        new Bad(new TorchFile().op(0x80, 6), "protocol 6"),
        new Bad(new TorchFile().op(0x8b, 255, 255, 255, 127), "0x8b"),
        new Bad(doubling(60), "too often"),
        new Bad(
            new TorchFile().op('}').text("l").raw("]".repeat(70) + "a".repeat(69) + "s."), "64"),
        new Bad(new TorchFile().raw("]".repeat(200_000)), "100000 open values"),
        new Bad(new TorchFile().raw("N0".repeat(1 << 21)), "2097152 instructions"));
  }

  /// A dictionary that holds the one before it twice, and so on: 2ⁿ tensors in a few bytes.
  private static TorchFile doubling(int levels) {
    TorchFile bomb = new TorchFile();
    bomb.tensor("FloatStorage", "0", 1, 0, of(), of()).op('q', 0, '0');
    for (int level = 1; level <= levels; level++) {
      bomb.op('}', '(').text("a").op('h', level - 1).text("b").op('h', level - 1).op('u');
      bomb.op('q', level, level == levels ? '.' : '0');
    }
    return bomb.storage("0", new byte[4]);
  }

  @Claim("hostile")
  @ParameterizedTest
  @MethodSource
  void hostile(Bad bad) {
    byte[] bytes = bad.file().toByteArray();
    Refusal.of(() -> read(bytes).tensors(), bad.words());
    assertThatThrownBy(() -> read(bytes).tensors())
        .isInstanceOf(FormatException.class)
        .message()
        .startsWith(file + ": ");
  }

  @Claim("hostile")
  @Test
  void strided_views_of_one_storage_cannot_fill_the_memory() {
    TorchFile views = new TorchFile().op('}', '(');
    for (int i = 0; i < 100; i++)
      views.text("w" + i).tensor("FloatStorage", "0", 6, 0, of(3, 2), of(1, 3));
    byte[] bytes = views.op('u', '.').storage("0", new byte[24]).toByteArray();
    TorchCheckpoint read = read(bytes);
    assertThat(read.tensor("w7").count()).isEqualTo(6);
    Refusal.of(read::tensors, "strided", "larger");
  }

  @Claim("legacy")
  @Test
  void a_file_from_before_1_6_is_named_as_such() throws IOException {
    byte[] magic = {
      (byte) 0x80,
      2,
      (byte) 0x8a,
      10,
      0x6c,
      (byte) 0xfc,
      (byte) 0x9c,
      0x46,
      (byte) 0xf9,
      0x20,
      0x6a,
      (byte) 0xa8,
      0x50,
      0x19,
      '.'
    };
    Files.write(file, magic);
    Refusal.of(() -> TorchCheckpoint.open(file), file.toString(), "before PyTorch 1.6");
    Refusal.of(() -> Checkpoint.open(file), file.toString(), "before PyTorch 1.6");
  }

  @Claim("zip")
  @Test
  void the_zip_directory_is_checked() {
    byte[] good = TorchFile.of("w", 6, 0, of(2, 3), of(3, 1)).toByteArray();
    for (int size = 0; size < good.length; size++) {
      MemorySegment cut = MemorySegment.ofArray(good).asSlice(0, size);
      assertThatThrownBy(() -> TorchCheckpoint.read(file, cut)).isInstanceOf(FormatException.class);
    }
    byte[] text = {'x'};
    Refusal.of(() -> read(TorchFile.zip(Map.of("a/readme", text), false)), "data.pkl", "0");
    Refusal.of(
        () -> read(TorchFile.zip(Map.of("a/data.pkl", text, "b/data.pkl", text), false)),
        "data.pkl",
        "2");
    byte[] twice = TorchFile.zip(Map.of("a/data.pkl", text, "a/dbta.pkl", text), false);
    for (int i = 0; i < twice.length; i++)
      if (twice[i] == 'b' && twice[i + 1] == 't') twice[i] = 'a';
    Refusal.of(() -> read(twice), "a/data.pkl", "twice");
  }

  @Claim("zip")
  @Test
  void sizes_of_64_bits_are_read() throws IOException {
    byte[] good = TorchFile.of("w", 6, 0, of(2, 3), of(3, 1)).toByteArray();
    byte[] wide = Zip64.of(good);
    assertThat(read(wide).tensor("w").shape()).containsExactly(2, 3);
    Files.write(file, wide);
    assertThat(WeightFile.open(file)).isInstanceOf(TorchCheckpoint.class);
  }

  /// Moves what a zip file says in 32 bits into the fields for 64.
  private static final class Zip64 {
    static byte[] of(byte[] zip) {
      ByteBuffer in = ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN);
      int end = zip.length - 22;
      int directory = in.getInt(end + 16);
      ByteBuffer out =
          ByteBuffer.allocate(zip.length + 20 * 100 + 76).order(ByteOrder.LITTLE_ENDIAN);
      out.put(zip, 0, directory);
      int count = 0;
      for (int at = directory; at < end; count++) {
        int name = in.getShort(at + 28);
        int extra = in.getShort(at + 30);
        int start = out.position();
        out.put(zip, at, 46 + name);
        out.putInt(start + 20, -1).putInt(start + 24, -1).putInt(start + 42, -1);
        out.putShort(start + 30, (short) 28);
        out.putShort((short) 1).putShort((short) 24);
        out.putLong(in.getInt(at + 24)).putLong(in.getInt(at + 20)).putLong(in.getInt(at + 42));
        at += 46 + name + extra;
      }
      int end64 = out.position();
      out.putInt(0x06064b50).putLong(44).putShort((short) 45).putShort((short) 45);
      out.putInt(0).putInt(0).putLong(count).putLong(count);
      out.putLong(end64 - directory).putLong(directory);
      out.putInt(0x07064b50).putInt(0).putLong(end64).putInt(1);
      out.put(zip, end, 8).putShort((short) -1).putShort((short) -1).putInt(-1).putInt(-1);
      out.putShort((short) 0);
      return Arrays.copyOf(out.array(), out.position());
    }
  }

  @Claim("mutations")
  @Test
  @Timeout(60) // a reader that hangs fails
  void no_damage_does_more_than_be_refused(Proof proof) throws Exception {
    List<byte[]> good = new ArrayList<>();
    for (String name : List.of("protocol-2.pt", "protocol-4.pt", "big-endian.pt"))
      good.add(Files.readAllBytes(resource(name)));
    good.add(TorchFile.of("w", 6, 0, of(2, 3), of(3, 1)).toByteArray());
    good.add(Zip64.of(good.get(3)));
    new Mutations(FormatException.class, 1 << 20, 160)
        .words(
            "}",
            "]",
            "(",
            "t",
            "0",
            "2",
            "q\0",
            "h\0",
            "\u0094",
            "R",
            "b",
            "u",
            "a",
            ")",
            "N",
            "cos\nsystem\n",
            "ccollections\nOrderedDict\n",
            "K\1",
            "J\377\377\377\377",
            "\u0081")
        .prove(10_000, good, random(2), bytes -> readAll(read(bytes)), proof);
  }

  /// Damage to the program alone: the zip file around it is whole.
  @Claim("mutations")
  @Test
  @Timeout(60)
  void nor_does_a_damaged_pickle_in_a_good_file(Proof proof) throws Exception {
    byte[] pickle =
        new StoredZip(file, MemorySegment.ofArray(Files.readAllBytes(resource("protocol-2.pt"))))
            .entries()
            .get("archive/data.pkl")
            .toArray(ValueLayout.JAVA_BYTE);
    Map<String, byte[]> entries = new LinkedHashMap<>();
    for (int key = 0; key < 3; key++)
      entries.put("archive/data/" + key, new byte[new int[] {24, 6, 16}[key]]);
    new Mutations(FormatException.class, 1 << 20, 160)
        .words("}", "]", "(", "t", "0", "2", "q\0", "h\0", "h\3", "\u0094", "R", "b", "u", "a", "s")
        .prove(
            10_000,
            List.of(pickle),
            random(4),
            bytes -> {
              Map<String, MemorySegment> segments = new LinkedHashMap<>();
              entries.forEach((name, data) -> segments.put(name, MemorySegment.ofArray(data)));
              var globals = new TorchGlobals(file, "archive/", segments, ByteOrder.LITTLE_ENDIAN);
              readAll(TorchCheckpoint.read(file, MemorySegment.ofArray(bytes), globals));
            },
            proof);
  }

  @Claim("mutations")
  @Test
  @Timeout(60)
  void nor_does_a_damaged_file_that_is_mapped(Proof proof) throws Exception {
    new Mutations(FormatException.class, 1 << 20, 160)
        .proveInFile(
            500,
            List.of(Files.readAllBytes(resource("protocol-2.pt"))),
            random(3),
            file,
            damaged -> {
              try (Arena arena = Arena.ofShared()) {
                readAll(TorchCheckpoint.open(damaged, arena));
              }
            },
            proof);
  }

  private static void readAll(TorchCheckpoint read) {
    for (StoredTensor tensor : read.tensors().values())
      if (tensor.type().floatFormat().isPresent()) tensor.toDoubles();
  }

  @Claim("folder")
  @Test
  void a_folder_of_shards_is_one_checkpoint() throws IOException {
    Files.write(
        folder.resolve("pytorch_model-1.bin"), TorchFile.of("a", 2, 0, of(2), of(1)).toByteArray());
    Files.write(
        folder.resolve("pytorch_model-2.bin"), TorchFile.of("b", 3, 0, of(3), of(1)).toByteArray());
    Path index = folder.resolve("pytorch_model.bin.index.json");
    String good = "{\"weight_map\":{\"a\":\"pytorch_model-1.bin\",\"b\":\"pytorch_model-2.bin\"}}";
    Files.writeString(index, good);
    assertThat(Checkpoint.open(folder).tensors().keySet()).containsExactly("a", "b");
    Files.writeString(index, good.replace("pytorch_model-2.bin", "../x.bin"));
    Refusal.of(() -> Checkpoint.open(folder), "../x.bin");
    Files.delete(index);
    Files.move(folder.resolve("pytorch_model-1.bin"), folder.resolve("pytorch_model.bin"));
    assertThat(Checkpoint.open(folder).tensor("a").count()).isEqualTo(2);
  }

  @Claim("bad-input")
  @Test
  void what_is_missing_is_named() throws Exception {
    TorchCheckpoint read = TorchCheckpoint.open(resource("protocol-2.pt"));
    Refusal.of(() -> read.tensor("none"), "protocol-2.pt", "none", "missing");
    Refusal.of(() -> TorchCheckpoint.open(folder.resolve("none")), "none", "no such file");
    Refusal.of(() -> TorchCheckpoint.open(folder), "folder");
    MemorySegment eight = MemorySegment.ofArray(new byte[8]);
    Refusal.of(
        () -> new TorchTensor(ElementType.F32, eight, ByteOrder.LITTLE_ENDIAN, 0, of(3), of(1)),
        "2 elements");
  }
}
