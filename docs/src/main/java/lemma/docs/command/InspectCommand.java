package lemma.docs.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import lemma.core.format.Checkpoint;
import lemma.core.format.CheckpointLayouts;
import lemma.core.format.Gguf;
import lemma.core.format.GgufValue;
import lemma.core.format.LayoutConversion;
import lemma.core.format.Safetensors;
import lemma.core.format.TorchCheckpoint;
import lemma.core.format.WeightFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/// What a file of weights holds.
@Command(
    description = {
      "Lists the tensors and the metadata of a safetensors, GGUF or PyTorch file, of an index, or of a",
      "folder with model.safetensors, pytorch_model.bin, an index of one of them, or the parts of a",
      "diffusers pipeline. Only the headers are read, however large the file; nothing in it is run."
    })
final class InspectCommand implements Callable<Integer> {
  private static final int LONGEST_VALUE = 120;
  private static final int SHOWN_OF_ARRAY = 6;

  @Parameters(paramLabel = "FILE|FOLDER", description = "a file of weights, or its folder")
  private Path path;

  @Option(names = "--json", description = "print JSON")
  private boolean json;

  @Spec private CommandSpec spec;

  private record Line(String name, String dtype, long[] shape, long bytes) {
    long elements() {
      return Arrays.stream(shape).reduce(1, (a, b) -> a * b); // checked when the file was read
    }
  }

  /// Everything that is shown.
  private record Contents(
      String file, String format, Map<String, Object> metadata, List<Line> tensors) {}

  @Override
  public Integer call() throws IOException {
    Contents contents = LayoutConversion.isFolder(path) ? parts(path) : read(path);
    long elements = contents.tensors.stream().mapToLong(Line::elements).sum();
    long bytes = contents.tensors.stream().mapToLong(Line::bytes).sum();
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Map<String, Object> all = new LinkedHashMap<>();
      all.put("file", contents.file);
      all.put("format", contents.format);
      all.put("metadata", contents.metadata);
      all.put("tensors", contents.tensors);
      all.put(
          "totals",
          Map.of("tensors", contents.tensors.size(), "elements", elements, "bytes", bytes));
      out.println(JsonMapper.shared().writeValueAsString(all));
      return Lemma.OK;
    }
    var table = new Table("tensor", "dtype", "shape", "bytes");
    for (Line line : contents.tensors)
      table.row(printable(line.name), line.dtype, Arrays.toString(line.shape), line.bytes);
    out.print(table);
    contents.metadata.forEach((key, value) -> out.println(printable(key) + " = " + shown(value)));
    out.printf(
        Locale.ROOT,
        "%s: %d tensors, %,d elements, %,d bytes%n",
        contents.format,
        contents.tensors.size(),
        elements,
        bytes);
    return Lemma.OK;
  }

  private static Contents read(Path path) throws IOException {
    Path file = Checkpoint.find(path);
    if (file.toString().endsWith(".index.json")) {
      Checkpoint shards = Checkpoint.open(file);
      List<Line> lines =
          shards.tensors().values().stream()
              .map(tensor ->
                  new Line(
                      tensor.name(),
                      tensor.type().name(),
                      tensor.shape(),
                      tensor.bytes().byteSize()))
              .toList();
      return new Contents(file.toString(), "index", new LinkedHashMap<>(shards.metadata()), lines);
    }
    WeightFile opened = WeightFile.open(file);
    return new Contents(file.toString(), format(opened), metadata(opened), lines("", opened));
  }

  /// The models of a folder of diffusers, each by its own folder's name.
  private static Contents parts(Path folder) throws IOException {
    List<Line> lines = new ArrayList<>();
    for (CheckpointLayouts.Part part : CheckpointLayouts.Part.values()) {
      Path file = LayoutConversion.file(folder, part);
      if (!Files.exists(file)) continue;
      lines.addAll(lines(folder.relativize(file).getName(0) + "/", WeightFile.open(file)));
    }
    return new Contents(folder.toString(), "diffusers folder", Map.of(), lines);
  }

  private static List<Line> lines(String prefix, WeightFile file) {
    return file.entries().values().stream()
        .map(entry -> new Line(prefix + entry.name(), entry.type(), entry.shape(), entry.bytes()))
        .toList();
  }

  private static String format(WeightFile file) {
    return switch (file) {
      case Safetensors _ -> "safetensors";
      case Gguf gguf -> "GGUF version %d, %s".formatted(gguf.version(), order(gguf));
      case TorchCheckpoint _ -> "PyTorch";
    };
  }

  private static String order(Gguf gguf) {
    return gguf.order().toString().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static Map<String, Object> metadata(WeightFile file) {
    return switch (file) {
      case Safetensors safetensors -> new LinkedHashMap<>(safetensors.metadata());
      case Gguf gguf -> {
        Map<String, Object> values = new LinkedHashMap<>();
        gguf.metadata().forEach((key, value) -> values.put(key, plain(value)));
        yield values;
      }
      case TorchCheckpoint _ -> Map.of();
    };
  }

  /// A value as JSON has it; of an array its type, its size and how it begins.
  private static Object plain(GgufValue value) {
    return switch (value) {
      case GgufValue.Whole whole when whole.type() == GgufValue.Type.UINT64 ->
          new BigInteger(whole.toString());
      case GgufValue.Whole whole -> whole.value();
      case GgufValue.Real real when !Double.isFinite(real.value()) -> real.toString();
      case GgufValue.Real real -> new BigDecimal(real.toString());
      case GgufValue.Flag flag -> flag.value();
      case GgufValue.Text text -> text.value();
      case GgufValue.Array array -> {
        Map<String, Object> summary = new LinkedHashMap<>();
        summary.put("type", array.elementType().name());
        summary.put("size", array.size());
        summary.put(
            "first", array.first(SHOWN_OF_ARRAY).stream().map(InspectCommand::plain).toList());
        yield summary;
      }
    };
  }

  private static String shown(Object value) {
    String text =
        value instanceof Map<?, ?> array
            ? "%s × %s %s".formatted(array.get("size"), array.get("type"), array.get("first"))
            : value.toString();
    String line = printable(text);
    return line.length() <= LONGEST_VALUE ? line : line.substring(0, LONGEST_VALUE) + "…";
  }

  /// Names come from the file: a terminal must not take them for commands.
  private static String printable(String text) {
    return text.codePoints()
        .map(c -> Character.isISOControl(c) ? '�' : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }
}
