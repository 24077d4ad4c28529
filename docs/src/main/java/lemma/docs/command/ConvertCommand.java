package lemma.docs.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import lemma.core.format.Checkpoint;
import lemma.core.format.ElementType;
import lemma.core.format.FloatFormat;
import lemma.core.format.Gguf;
import lemma.core.format.GgufValue;
import lemma.core.format.GgufWriter;
import lemma.core.format.LayoutConversion;
import lemma.core.format.SafetensorsWriter;
import lemma.core.format.TensorSource;
import lemma.core.format.WeightFile;
import lemma.core.model.GgufExport;
import lemma.core.model.GgufImport;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import tools.jackson.databind.json.JsonMapper;

/// Weights from one kind of file into another.
@Command(
    description = {
      "Converts weights. What comes out is said by OUT: a name that ends in .gguf or .safetensors is a",
      "file, another name is a folder.",
      "",
      "A folder of the Llama family (Llama, Mistral, Mixtral, Qwen) becomes a GGUF file with the names,",
      "the row order and the metadata that llama.cpp expects, and back. A single file of Stable",
      "Diffusion 1.x becomes a folder as diffusers has it, and back. Other weights keep their names.",
      "PyTorch files are read without running anything in them.",
      "",
      "The result is written beside its place and moved there when it is complete."
    })
final class ConvertCommand implements Callable<Integer> {
  private static final List<String> COMPANIONS =
      List.of(
          "config.json",
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "tokenizer.model",
          "vocab.json",
          "merges.txt");

  /// Types that can be asked for.
  enum Type {
    F32,
    F16,
    BF16,
    Q8_0,
    Q4_0,
    Q4_1,
    Q4_K,
    Q6_K;

    ElementType elements() {
      return ElementType.valueOf(name());
    }
  }

  /// A number of bytes such as `5GB`, in powers of ten as Hugging Face counts.
  static final class Bytes implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
      String size = text.toUpperCase(Locale.ROOT);
      for (String unit : List.of("KB", "MB", "GB"))
        if (size.matches("[0-9]{1,9}" + unit)) {
          long scale = (long) Math.pow(1000, List.of("KB", "MB", "GB").indexOf(unit) + 1);
          return Long.parseLong(size.substring(0, size.length() - 2)) * scale;
        }
      if (size.matches("[0-9]{1,18}")) return Long.parseLong(size);
      throw new TypeConversionException("must be like 5GB, 500MB or 1000000, was " + text);
    }
  }

  @Parameters(index = "0", paramLabel = "IN", description = "a file of weights, or a folder")
  private Path in;

  @Parameters(
      index = "1",
      paramLabel = "OUT",
      description = "NAME.gguf, NAME.safetensors, or a folder")
  private Path out;

  @Option(
      names = "--type",
      paramLabel = "TYPE",
      description =
          "type of the matrices: ${COMPLETION-CANDIDATES} (default: as they are; blocks become F32"
              + " outside of GGUF)")
  private Type type;

  @Option(
      names = "--shard-size",
      paramLabel = "SIZE",
      defaultValue = "5GB",
      converter = Bytes.class,
      description = "most bytes in a file of a folder (default: ${DEFAULT-VALUE})")
  private long shardSize;

  @Option(names = "--overwrite", description = "replace OUT if it is there")
  private boolean overwrite;

  @Option(names = "--json", description = "print JSON")
  private boolean json;

  @Spec private CommandSpec spec;

  private final List<String> leftOut = new ArrayList<>();
  private long tensors;
  private long otherwise;

  @Override
  public Integer call() throws IOException {
    if (!Files.exists(in)) throw new IllegalArgumentException(in + ": no such file or folder");
    boolean there = Files.exists(out) && !(Files.isDirectory(out) && isEmpty(out)) && !overwrite;
    if (there)
      throw new IllegalArgumentException(out + " is there already (--overwrite replaces it)");
    Path parent = out.toAbsolutePath().normalize().getParent();
    if (parent == null || !Files.isDirectory(parent))
      throw new IllegalArgumentException(out + ": there is no folder to put it into");
    if (Files.exists(out) && Files.isSameFile(in, out))
      throw new IllegalArgumentException("IN and OUT are the same: " + in);
    String name = out.getFileName().toString();
    if (name.endsWith(".gguf")) toGguf();
    else if (name.endsWith(".safetensors")) toSafetensors();
    else toFolder();
    report();
    return Lemma.OK;
  }

  private static boolean isEmpty(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.findAny().isEmpty();
    }
  }

  private void toGguf() throws IOException {
    GgufExport export = gguf();
    if (type != null) export = export.as(type.elements());
    List<TensorSource> sources = export.tensors();
    otherwise =
        sources.stream()
            .filter(tensor -> type != null && tensor.shape().length > 1)
            .filter(tensor -> tensor.type() != type.elements())
            .count();
    Map<String, GgufValue> metadata = export.metadata();
    write(
        sources,
        watched -> GgufWriter.writeSources(out, metadata, watched, ByteOrder.LITTLE_ENDIAN));
  }

  /// What a GGUF file of the input holds.
  private GgufExport gguf() throws IOException {
    if (LayoutConversion.isFolder(in))
      return new GgufExport(unknownModel(), LayoutConversion.toSingle(in).all());
    boolean model = Files.isDirectory(in) && Files.exists(in.resolve("config.json"));
    if (model) return GgufExport.of(in);
    if (Files.isRegularFile(in) && WeightFile.open(in) instanceof Gguf file)
      return new GgufExport(file.metadata(), sources(file));
    return new GgufExport(unknownModel(), inputs());
  }

  private static Map<String, GgufValue> unknownModel() {
    return Map.of("general.architecture", GgufValue.of("unknown"));
  }

  private static List<TensorSource> sources(WeightFile file) {
    return file.tensors().values().stream().map(TensorSource::of).toList();
  }

  private void toSafetensors() throws IOException {
    List<TensorSource> sources = rounded(inputs());
    write(sources, watched -> SafetensorsWriter.writeSources(out, watched, Map.of("format", "pt")));
  }

  private void toFolder() throws IOException {
    if (Files.isRegularFile(in)) {
      WeightFile file = WeightFile.open(in);
      if (LayoutConversion.isSingle(file)) {
        toDiffusers(LayoutConversion.toFolder(file));
        return;
      }
    }
    List<TensorSource> sources = rounded(inputs());
    Files.createDirectories(out);
    if (Files.isRegularFile(in) && WeightFile.open(in) instanceof Gguf file && isLlama(file)) {
      FloatFormat format =
          sources.stream()
              .filter(tensor -> tensor.shape().length > 1)
              .flatMap(tensor -> tensor.type().floatFormat().stream())
              .findFirst()
              .orElse(FloatFormat.F32);
      GgufImport.of(file).writeConfig(format, out.resolve("config.json"));
    }
    write(
        sources,
        watched -> SafetensorsWriter.writeShards(out, watched, Map.of("format", "pt"), shardSize));
    if (Files.isDirectory(in))
      for (String companion : COMPANIONS)
        if (Files.exists(in.resolve(companion))) {
          Files.copy(
              in.resolve(companion), out.resolve(companion), StandardCopyOption.REPLACE_EXISTING);
        }
  }

  private void toDiffusers(LayoutConversion conversion) throws IOException {
    leftOut.addAll(conversion.leftOut());
    for (var part : conversion.parts().entrySet()) {
      Path file = out.resolve(part.getKey().file() + ".safetensors");
      Files.createDirectories(file.getParent());
      write(
          rounded(part.getValue()),
          watched -> SafetensorsWriter.writeSources(file, watched, Map.of("format", "pt")));
    }
  }

  private static boolean isLlama(Gguf file) {
    return GgufImport.isOfFamily(file);
  }

  /// The tensors of the input under the names that they have outside of GGUF files and in a single
  /// file.
  private List<TensorSource> inputs() throws IOException {
    if (LayoutConversion.isFolder(in)) return LayoutConversion.toSingle(in).all();
    Path file = Checkpoint.find(in);
    if (file.toString().endsWith(".index.json"))
      return Checkpoint.open(file).tensors().values().stream().map(TensorSource::of).toList();
    WeightFile opened = WeightFile.open(file);
    return opened instanceof Gguf gguf && isLlama(gguf)
        ? GgufImport.of(gguf).tensors()
        : sources(opened);
  }

  /// What safetensors can hold: the type that was asked for, else no blocks.
  private List<TensorSource> rounded(List<TensorSource> sources) {
    if (type != null && type.elements().blockSize() > 1)
      throw new IllegalArgumentException(
          "--type " + type + " is for GGUF files: safetensors has no blocks");
    return sources.stream()
        .map(tensor -> {
          if (!TensorSource.holdsNumbers(tensor.type())) return tensor;
          if (type != null) return tensor.as(type.elements());
          return tensor.type().blockSize() > 1 ? tensor.as(ElementType.F32) : tensor;
        })
        .toList();
  }

  @FunctionalInterface
  private interface Writing {
    void write(List<TensorSource> tensors) throws IOException;
  }

  /// Writes with a bar of how many elements are through.
  private void write(List<TensorSource> sources, Writing writing) throws IOException {
    long elements = sources.stream().mapToLong(TensorSource::count).sum();
    var through = new AtomicLong();
    try (var progress = Progress.of("converting", elements)) {
      writing.write(
          sources.stream()
              .map(tensor ->
                  tensor.observed(count -> progress.at(through.addAndGet(count), tensor.name())))
              .toList());
    }
    tensors += sources.size();
  }

  private void report() throws IOException {
    PrintWriter print = spec.commandLine().getOut();
    long bytes = size(out);
    if (json) {
      Map<String, Object> all = new LinkedHashMap<>();
      all.put("in", in.toString());
      all.put("out", out.toString());
      all.put("tensors", tensors);
      all.put("bytes", bytes);
      all.put("otherType", otherwise);
      all.put("leftOut", leftOut);
      print.println(JsonMapper.shared().writeValueAsString(all));
      return;
    }
    print.printf(Locale.ROOT, "%s: %d tensors, %,d bytes%n", out, tensors, bytes);
    if (otherwise > 0)
      print.printf(
          "%d tensors have another type, as their rows are no whole blocks of %s%n",
          otherwise, type);
    if (!leftOut.isEmpty())
      print.println("left out, as it is no weight: " + Failure.oneLine(String.join(", ", leftOut)));
  }

  private static long size(Path path) throws IOException {
    if (Files.isRegularFile(path)) return Files.size(path);
    long size = 0;
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) size += Files.size(file);
    }
    return size;
  }
}
