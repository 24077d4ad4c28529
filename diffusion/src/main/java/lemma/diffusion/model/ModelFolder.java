package lemma.diffusion.model;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import lemma.core.format.Checkpoint;
import lemma.core.format.FloatFormat;
import lemma.core.format.FormatException;
import lemma.core.format.JsonFile;
import lemma.core.format.SafetensorsWriter;
import lemma.core.format.StoredTensor;
import lemma.core.tensor.Tensor;
import tools.jackson.databind.json.JsonMapper;

/// A trained network on disk: `config.json` says how it is built, `model.safetensors` holds its
/// parameters.
public record ModelFolder(Path path) {
  private static final String CONFIG = "config.json";
  private static final String WEIGHTS = "model.safetensors";
  private static final String KIND = "model_type";

  /// The configuration.
  ///
  /// @param kind the `model_type` that it must have
  /// @throws FormatException if it is missing, damaged or of another kind
  public JsonFile config(String kind) throws IOException {
    JsonFile config = JsonFile.read(path.resolve(CONFIG));
    if (!config.text(KIND).equals(kind)) {
      throw new FormatException(
          config.file(), "%s must be %s, was %s".formatted(KIND, kind, config.text(KIND)));
    }
    return config;
  }

  /// The parameters, exactly those that the network asks for.
  ///
  /// @throws FormatException that names the first tensor that is missing, unknown or misshapen
  public Map<String, Tensor> weights(Map<String, int[]> shapes) throws IOException {
    Checkpoint checkpoint = Checkpoint.open(path.resolve(WEIGHTS));
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    try {
      for (StoredTensor stored : checkpoint.tensors().values()) {
        int[] shape = Arrays.stream(stored.shape()).mapToInt(Math::toIntExact).toArray();
        tensors.put(stored.name(), Tensor.ofShared(stored.toDoubles(), shape));
      }
      Weights.check(tensors, shapes);
    } catch (FormatException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new FormatException(checkpoint.source(), e.getMessage(), e);
    }
    return tensors;
  }

  private static StoredTensor stored(String name, Tensor tensor) {
    return StoredTensor.of(name, tensor.data(), tensor.shape(), FloatFormat.F32);
  }

  /// Writes both files, float32; the folder is made if need be. Each file appears whole or not at
  /// all.
  public void write(String kind, Map<String, Object> config, Map<String, Tensor> weights)
      throws IOException {
    Files.createDirectories(path);
    List<StoredTensor> stored =
        weights.entrySet().stream().map(entry -> stored(entry.getKey(), entry.getValue())).toList();
    SafetensorsWriter.write(path.resolve(WEIGHTS), stored, Map.of("format", "pt"));
    Map<String, Object> all = new LinkedHashMap<>();
    all.put(KIND, kind);
    all.putAll(config);
    String json =
        JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(all) + "\n";
    Path temporary = path.resolve(CONFIG + "." + UUID.randomUUID() + ".part");
    try {
      Files.writeString(temporary, json, StandardCharsets.UTF_8);
      Files.move(temporary, path.resolve(CONFIG), StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }
}
