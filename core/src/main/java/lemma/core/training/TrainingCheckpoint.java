package lemma.core.training;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lemma.core.format.ElementType;
import lemma.core.format.FormatException;
import lemma.core.format.Safetensors;
import lemma.core.format.SafetensorsWriter;
import lemma.core.format.StoredTensor;
import lemma.core.tensor.Tensor;

/// A run on disk: one safetensors file with everything that the next step depends on.
///
/// ```
/// __metadata__         {"step": "400", "optimiser.step": "400", "setting.seed": "1", …}
/// parameter.NAME       the parameters                    F64
/// average.NAME         their moving average              F64
/// moment.first.NAME    what the optimiser remembers      F64
/// ```
///
/// Doubles are stored as they are, so a resumed run goes on with the same bits. Numbers and settings
/// lie in the header of the same file, which takes the place of an older one in one move: there is no
/// moment at which half of a checkpoint can be read.
///
/// @param settings what the run was started with, such as its seed; a resumed run should agree
public record TrainingCheckpoint(TrainingState state, Map<String, String> settings) {
  private static final String PARAMETER = "parameter.";
  private static final String AVERAGE = "average.";
  private static final String MOMENT = "moment.";
  private static final String SETTING = "setting.";
  private static final String STEP = "step";
  private static final String OPTIMISER_STEP = "optimiser.step";
  private static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  public TrainingCheckpoint {
    settings = Collections.unmodifiableMap(new LinkedHashMap<>(settings));
  }

  /// Writes the file; folders above it are made if they are not there.
  public void save(Path file) throws IOException {
    List<StoredTensor> tensors = new ArrayList<>();
    state.parameters().forEach((name, value) -> tensors.add(stored(PARAMETER + name, value)));
    state.average().forEach((name, value) -> tensors.add(stored(AVERAGE + name, value)));
    state
        .optimiser()
        .moments()
        .forEach((moment, values) ->
            values.forEach(
                (name, value) -> tensors.add(stored(MOMENT + moment + "." + name, value))));
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(STEP, Long.toString(state.step()));
    metadata.put(OPTIMISER_STEP, Long.toString(state.optimiser().step()));
    settings.forEach((name, value) -> metadata.put(SETTING + name, value));
    Files.createDirectories(file.toAbsolutePath().getParent());
    SafetensorsWriter.write(file, tensors, metadata);
  }

  private static StoredTensor stored(String name, Tensor tensor) {
    double[] data = tensor.data();
    MemorySegment bytes = MemorySegment.ofArray(new byte[Math.multiplyExact(data.length, 8)]);
    for (int i = 0; i < data.length; i++) bytes.set(DOUBLE, 8L * i, data[i]);
    long[] shape = Arrays.stream(tensor.shape()).asLongStream().toArray();
    return new StoredTensor(name, ElementType.F64, shape, bytes);
  }

  /// Reads a file that [#save] wrote.
  ///
  /// @throws FormatException if it is missing, damaged, or lacks a part
  public static TrainingCheckpoint load(Path file) throws IOException {
    Safetensors stored = Safetensors.open(file);
    Map<String, Tensor> parameters = new LinkedHashMap<>();
    Map<String, Tensor> average = new LinkedHashMap<>();
    Map<String, Map<String, Tensor>> moments = new LinkedHashMap<>();
    for (String key : stored.tensors().keySet()) {
      if (key.startsWith(PARAMETER))
        parameters.put(key.substring(PARAMETER.length()), tensor(file, stored, key).parameter());
      else if (key.startsWith(AVERAGE))
        average.put(key.substring(AVERAGE.length()), tensor(file, stored, key));
      else if (key.startsWith(MOMENT) && key.indexOf('.', MOMENT.length()) > 0) {
        int dot = key.indexOf('.', MOMENT.length());
        moments
            .computeIfAbsent(key.substring(MOMENT.length(), dot), m -> new LinkedHashMap<>())
            .put(key.substring(dot + 1), tensor(file, stored, key));
      } else throw new FormatException(file, "tensor " + key + " has no place in a checkpoint");
    }
    checkSameShapes(file, "average", parameters, average);
    moments.forEach(
        (moment, values) -> checkSameShapes(file, "moment " + moment, parameters, values));
    Map<String, String> settings = new LinkedHashMap<>();
    stored
        .metadata()
        .forEach((name, value) -> {
          if (name.startsWith(SETTING)) settings.put(name.substring(SETTING.length()), value);
        });
    OptimiserState optimiser =
        new OptimiserState(number(file, stored.metadata(), OPTIMISER_STEP), moments);
    return new TrainingCheckpoint(
        new TrainingState(number(file, stored.metadata(), STEP), parameters, optimiser, average),
        settings);
  }

  private static Tensor tensor(Path file, Safetensors stored, String key) {
    StoredTensor tensor = stored.tensor(key);
    if (tensor.type() != ElementType.F64)
      throw new FormatException(file, "tensor " + tensor + " must be F64");
    return Tensor.ofShared(
        tensor.toDoubles(), Arrays.stream(tensor.shape()).mapToInt(Math::toIntExact).toArray());
  }

  private static void checkSameShapes(
      Path file, String what, Map<String, Tensor> parameters, Map<String, Tensor> values) {
    if (!values.keySet().equals(parameters.keySet()))
      throw new FormatException(
          file,
          "%s has %d tensors, not those of the %d parameters"
              .formatted(what, values.size(), parameters.size()));
    parameters.forEach((name, parameter) -> {
      if (!Arrays.equals(values.get(name).shape(), parameter.shape()))
        throw new FormatException(
            file, what + " " + name + " has another shape than its parameter");
    });
  }

  private static long number(Path file, Map<String, String> metadata, String name) {
    String text = metadata.get(name);
    if (text == null || !text.matches("[0-9]{1,18}"))
      throw new FormatException(file, "metadata " + name + " must be a number, was " + text);
    return Long.parseLong(text);
  }
}
