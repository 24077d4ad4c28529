package lemma.docs.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import lemma.core.format.Checkpoint;
import lemma.core.format.StoredTensor;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/// What a file of weights holds.
@Command(
    description = {
      "Lists the tensors of a safetensors file, or of a folder with one or with an index, and the",
      "metadata. Only the headers are read, however large the file."
    })
final class InspectCommand implements Callable<Integer> {

  @Parameters(paramLabel = "FILE|FOLDER", description = "a safetensors file, or its folder")
  private Path path;

  @Option(names = "--json", description = "print JSON")
  private boolean json;

  @Spec private CommandSpec spec;

  private record Line(String name, String dtype, long[] shape, long bytes) {
    static Line of(StoredTensor tensor) {
      return new Line(
          tensor.name(), tensor.type().name(), tensor.shape(), tensor.bytes().byteSize());
    }
  }

  @Override
  public Integer call() throws IOException {
    Checkpoint checkpoint = Checkpoint.open(path);
    List<Line> lines = checkpoint.tensors().values().stream().map(Line::of).toList();
    long elements = checkpoint.tensors().values().stream().mapToLong(StoredTensor::count).sum();
    long bytes = lines.stream().mapToLong(Line::bytes).sum();
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Map<String, Object> all = new LinkedHashMap<>();
      all.put("file", checkpoint.source().toString());
      all.put("metadata", checkpoint.metadata());
      all.put("tensors", lines);
      all.put("totals", Map.of("tensors", lines.size(), "elements", elements, "bytes", bytes));
      out.println(JsonMapper.shared().writeValueAsString(all));
      return Lemma.OK;
    }
    var table = new Table("tensor", "dtype", "shape", "bytes");
    for (Line line : lines)
      table.row(printable(line.name), line.dtype, Arrays.toString(line.shape), line.bytes);
    out.print(table);
    checkpoint
        .metadata()
        .forEach((key, value) -> out.println(printable(key) + " = " + printable(value)));
    out.printf(Locale.ROOT, "%d tensors, %,d elements, %,d bytes%n", lines.size(), elements, bytes);
    return Lemma.OK;
  }

  /// Names come from the file: a terminal must not take them for commands.
  private static String printable(String text) {
    return text.codePoints()
        .map(c -> Character.isISOControl(c) ? '�' : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }
}
