package lemma.core.tuning;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import lemma.core.format.FloatFormat;
import lemma.core.format.FormatException;
import lemma.core.format.JsonFile;
import lemma.core.format.Safetensors;
import lemma.core.format.SafetensorsWriter;
import lemma.core.format.StoredTensor;
import lemma.core.tensor.Tensor;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// A folder as the PEFT library writes it: `adapter_config.json` and `adapter_model.safetensors`
/// with tensors `base_model.model.<module>.lora_A.weight` and `….lora_B.weight`.
///
/// What would change the numbers and is not understood is refused: DoRA, biases, ranks by pattern,
/// further modules.
public final class PeftFolder {
  private static final String PREFIX = "base_model.model.";
  private static final String A = ".lora_A.weight";
  private static final String B = ".lora_B.weight";
  private static final JsonMapper JSON = JsonMapper.shared();

  private PeftFolder() {}

  /// Reads an adapter; A and B are constants.
  ///
  /// @throws FormatException if a file is missing, damaged, or asks for what is not supported
  public static LoraAdapter read(Path folder) throws IOException {
    LoraConfig config = readConfig(JsonFile.read(folder.resolve("adapter_config.json")));
    Safetensors file = Safetensors.open(folder.resolve("adapter_model.safetensors"));
    Map<String, Lora> updates = new LinkedHashMap<>();
    for (String name : file.tensors().keySet()) {
      boolean isA = name.endsWith(A);
      if (!name.startsWith(PREFIX) || !isA && !name.endsWith(B))
        throw new FormatException(file.file(), "tensor " + name + " is no part of a LoRA adapter");
      String module = name.substring(PREFIX.length(), name.length() - A.length());
      if (!config.targets(module))
        throw new FormatException(
            file.file(), module + " is none of target_modules " + config.targetModules());
      if (!isA) {
        file.tensor(PREFIX + module + A);
        continue;
      }
      Tensor a = matrix(file, name);
      Tensor b = matrix(file, PREFIX + module + B);
      if (a.size(0) != config.rank() || b.size(1) != config.rank())
        throw new FormatException(
            file.file(),
            "%s has lora_A [%d, %d] and lora_B [%d, %d], r is %d"
                .formatted(module, a.size(0), a.size(1), b.size(0), b.size(1), config.rank()));
      updates.put(module, new Lora(a, b, config.scaling()));
    }
    if (updates.isEmpty()) throw new FormatException(file.file(), "holds no tensor");
    return new LoraAdapter(config, updates);
  }

  private static Tensor matrix(Safetensors file, String name) {
    StoredTensor stored = file.tensor(name);
    long[] shape = stored.shape();
    if (shape.length != 2 || stored.count() > Integer.MAX_VALUE - 8)
      throw new FormatException(file.file(), stored + " must be a matrix");
    return Tensor.ofShared(
        stored.toDoubles(), Math.toIntExact(shape[0]), Math.toIntExact(shape[1]));
  }

  private static LoraConfig readConfig(JsonFile json) {
    if (!json.text("peft_type").equals("LORA"))
      throw new FormatException(
          json.file(), "peft_type must be LORA, was " + json.get("peft_type"));
    for (String unknown : new String[] {"use_dora", "fan_in_fan_out", "lora_bias"})
      if (json.flag(unknown, false))
        throw new FormatException(json.file(), unknown + " is not supported");
    for (String unknown :
        new String[] {"rank_pattern", "alpha_pattern", "modules_to_save", "layers_to_transform"})
      if (json.has(unknown) && !json.get(unknown).isEmpty())
        throw new FormatException(json.file(), unknown + " is not supported");
    if (json.has("bias") && !json.text("bias").equals("none"))
      throw new FormatException(json.file(), "bias must be none, was " + json.get("bias"));
    try {
      return new LoraConfig(
          json.integer("r"),
          json.number("lora_alpha"),
          json.flag("use_rslora", false),
          json.number("lora_dropout", 0),
          targets(json),
          initialisation(json));
    } catch (FormatException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new FormatException(json.file(), e.getMessage(), e);
    }
  }

  private static Set<String> targets(JsonFile json) {
    JsonNode targets = json.get("target_modules");
    if (!targets.isArray() || targets.valueStream().anyMatch(target -> !target.isString()))
      throw new FormatException(json.file(), "target_modules must be a list of names");
    Set<String> names = new TreeSet<>();
    targets.forEach(target -> names.add(target.asString()));
    return names;
  }

  /// It matters only for training from the start: `true` and `false` both mean the code's own way.
  private static LoraConfig.Initialisation initialisation(JsonFile json) {
    return json.has("init_lora_weights")
            && json.get("init_lora_weights").asString().equals("gaussian")
        ? LoraConfig.Initialisation.GAUSSIAN
        : LoraConfig.Initialisation.KAIMING_UNIFORM;
  }

  /// Writes an adapter into a folder, which is made if it is not there.
  ///
  /// @param base name or path of the model that it belongs to
  public static void write(Path folder, LoraAdapter adapter, FloatFormat format, String base)
      throws IOException {
    List<StoredTensor> tensors = new ArrayList<>();
    adapter
        .parameters()
        .forEach((name, value) ->
            tensors.add(StoredTensor.of(PREFIX + name, value.data(), value.shape(), format)));
    Files.createDirectories(folder);
    SafetensorsWriter.write(
        folder.resolve("adapter_model.safetensors"), tensors, Map.of("format", "pt"));
    Path file = folder.resolve("adapter_config.json");
    Path temporary = folder.resolve("adapter_config.json.part");
    Files.write(temporary, JSON.writeValueAsBytes(config(adapter.config(), base)));
    Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
  }

  private static ObjectNode config(LoraConfig config, String base) {
    ObjectNode root =
        JSON.createObjectNode()
            .put("peft_type", "LORA")
            .put("task_type", "CAUSAL_LM")
            .put("base_model_name_or_path", base)
            .put("r", config.rank())
            .put("lora_alpha", config.alpha())
            .put("lora_dropout", config.dropout())
            .put("use_rslora", config.rankStabilised())
            .put("use_dora", false)
            .put("fan_in_fan_out", false)
            .put("bias", "none")
            .put("inference_mode", true);
    switch (config.initialisation()) {
      case KAIMING_UNIFORM -> root.put("init_lora_weights", true);
      case GAUSSIAN -> root.put("init_lora_weights", "gaussian");
    }
    config.targetModules().forEach(root.putArray("target_modules")::add);
    return root;
  }
}
