package lemma.core.format;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/// Stable Diffusion 1.x from one of the [CheckpointLayouts] into the other. A part is converted whole or
/// not at all; a weight that neither layout knows is refused by name.
///
/// @param parts the tensors of each part under the names of the layout that was asked for
/// @param leftOut names of the single file that are no weights: the noise schedule, the averaged copy
public record LayoutConversion(
    Map<CheckpointLayouts.Part, List<TensorSource>> parts, List<String> leftOut) {
  private static final String POSITION_IDS = "text_model.embeddings.position_ids";

  /// Buffers that training code saved along: constants of the schedule, and averages of the weights.
  private static final Pattern NO_WEIGHT =
      Pattern.compile(
          "model_ema\\..*|betas|alphas_cumprod.*|sqrt_.*|log_one_minus_.*|posterior_.*"
              + "|logvar|lvlb_weights|scale_factor|.*\\.position_ids");

  /// Older folders call the autoencoder's attention so.
  private static final Map<String, String> OLDER =
      Map.of("query", "to_q", "key", "to_k", "value", "to_v", "proj_attn", "to_out.0");

  /// Keeps the maps' order.
  public LayoutConversion {
    parts = new EnumMap<>(parts);
    leftOut = List.copyOf(leftOut);
  }

  /// The weights of a single file under the names of a folder.
  ///
  /// @throws FormatException if a part is incomplete, or a name is unknown
  public static LayoutConversion toFolder(WeightFile single) {
    Map<CheckpointLayouts.Part, List<TensorSource>> parts =
        new EnumMap<>(CheckpointLayouts.Part.class);
    Set<String> rest = new HashSet<>(single.entries().keySet());
    for (CheckpointLayouts.Part part : CheckpointLayouts.Part.values()) {
      if (rest.stream().noneMatch(name -> name.startsWith(part.prefix()))) continue;
      List<TensorSource> tensors = new ArrayList<>();
      CheckpointLayouts.names(part)
          .forEach((name, singleName) -> {
            TensorSource tensor = TensorSource.of(single.tensor(singleName)).named(name);
            tensors.add(isLinear(part, name) ? tensor.shaped(matrix(tensor.shape())) : tensor);
            rest.remove(singleName);
          });
      parts.put(part, tensors);
    }
    if (parts.isEmpty())
      throw new FormatException(single.file(), "is no single file of Stable Diffusion 1.x");
    for (String name : rest)
      if (!NO_WEIGHT.matcher(name).matches())
        throw new FormatException(
            single.file(), "tensor " + name + " is unknown in Stable Diffusion 1.x");
    return new LayoutConversion(parts, rest.stream().sorted().toList());
  }

  /// The weights of a folder under the names of a single file; `.safetensors` or `.bin` in each part.
  ///
  /// @throws FormatException if a part is incomplete, or a name is unknown
  public static LayoutConversion toSingle(Path folder) throws IOException {
    Map<CheckpointLayouts.Part, List<TensorSource>> parts =
        new EnumMap<>(CheckpointLayouts.Part.class);
    for (CheckpointLayouts.Part part : CheckpointLayouts.Part.values()) {
      Path file = file(folder, part);
      if (!Files.exists(file)) continue;
      WeightFile opened = WeightFile.open(file);
      Map<String, String> found = new HashMap<>(); // today's name → the name in this file
      for (String name : opened.entries().keySet()) found.put(today(part, name), name);
      List<TensorSource> tensors = new ArrayList<>();
      Map<String, String> names = CheckpointLayouts.names(part);
      names.forEach((name, singleName) -> {
        TensorSource tensor =
            TensorSource.of(opened.tensor(found.getOrDefault(name, name))).named(singleName);
        tensors.add(isLinear(part, name) ? tensor.shaped(convolution(tensor.shape())) : tensor);
      });
      for (String name : found.keySet())
        if (!names.containsKey(name) && !name.equals(POSITION_IDS))
          throw new FormatException(file, "tensor " + name + " is unknown in Stable Diffusion 1.x");
      parts.put(part, tensors);
    }
    if (parts.isEmpty()) throw new FormatException(folder, "has no part of Stable Diffusion 1.x");
    return new LayoutConversion(parts, List.of());
  }

  /// Whether a file has the names of a single file of Stable Diffusion.
  public static boolean isSingle(WeightFile file) {
    return file.entries().keySet().stream()
        .anyMatch(name -> name.startsWith(CheckpointLayouts.Part.UNET.prefix()));
  }

  /// Whether a folder is laid out as diffusers does.
  public static boolean isFolder(Path path) {
    return Files.isDirectory(path)
        && Arrays.stream(CheckpointLayouts.Part.values())
            .anyMatch(part -> Files.exists(file(path, part)));
  }

  /// The file of a part in a folder, which need not be there.
  public static Path file(Path folder, CheckpointLayouts.Part part) {
    Path safe = folder.resolve(part.file() + ".safetensors");
    if (Files.exists(safe)) return safe;
    String bin =
        part == CheckpointLayouts.Part.TEXT_ENCODER ? "text_encoder/pytorch_model" : part.file();
    return folder.resolve(bin + ".bin");
  }

  /// Every tensor, of one part behind another.
  public List<TensorSource> all() {
    return parts.values().stream().flatMap(List::stream).toList();
  }

  private static String today(CheckpointLayouts.Part part, String name) {
    if (part != CheckpointLayouts.Part.VAE) return name;
    for (var older : OLDER.entrySet()) {
      String layer = ".attentions.0." + older.getKey() + ".";
      if (name.contains(layer))
        return name.replace(layer, ".attentions.0." + older.getValue() + ".");
    }
    return name;
  }

  /// The projections of the autoencoder's attention: linear in a folder, convolutions in a single file.
  private static boolean isLinear(CheckpointLayouts.Part part, String name) {
    return part == CheckpointLayouts.Part.VAE
        && name.contains(".attentions.0.to_")
        && name.endsWith(".weight");
  }

  private static long[] matrix(long[] shape) {
    return shape.length == 4 && shape[2] == 1 && shape[3] == 1 ? Arrays.copyOf(shape, 2) : shape;
  }

  private static long[] convolution(long[] shape) {
    return shape.length == 2 ? new long[] {shape[0], shape[1], 1, 1} : shape;
  }
}
