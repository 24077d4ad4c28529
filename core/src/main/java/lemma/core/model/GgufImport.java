package lemma.core.model;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lemma.core.format.FloatFormat;
import lemma.core.format.FormatException;
import lemma.core.format.Gguf;
import lemma.core.format.TensorSource;
import lemma.core.position.Rope;

/// A GGUF file of the Llama family as what a folder of it holds: the way back from [GgufExport].
///
/// @param config in the layout of halves
/// @param tensors under their names in a folder, in the types of the file
public record GgufImport(LlamaConfig config, List<TensorSource> tensors) {

  /// Whether the file holds a model of this family.
  public static boolean isOfFamily(Gguf file) {
    String architecture = file.text("general.architecture", "");
    return List.of("llama", "qwen2", "qwen3").contains(architecture);
  }

  /// @throws FormatException if the file holds another model, or weights are missing or do not fit
  public static GgufImport of(Gguf file) {
    ModelCheckpoint<DecoderConfig> checkpoint = GgufModel.read(file);
    if (!(checkpoint.config() instanceof LlamaConfig config))
      throw new FormatException(file.file(), "holds no model of the Llama family");
    boolean interleaved = config.rope().layout() == Rope.Layout.INTERLEAVED;
    List<TensorSource> tensors = new ArrayList<>();
    for (String name : config.weightShapes().keySet()) {
      TensorSource tensor = TensorSource.of(checkpoint.tensor(name)).named(name);
      boolean rotated = GgufNames.isRotated(GgufNames.of(name).tensor());
      tensors.add(interleaved && rotated ? halves(tensor, config.headDim()) : tensor);
    }
    return new GgufImport(inHalves(config), tensors);
  }

  /// Neighbours that turn together move half a head apart.
  private static TensorSource halves(TensorSource tensor, int headDim) {
    int half = headDim / 2;
    return tensor.rows(row -> row - row % headDim + 2 * (row % half) + row % headDim / half);
  }

  private static LlamaConfig inHalves(LlamaConfig config) {
    Rope rope = config.rope();
    return new LlamaConfig(
        config.vocabularySize(),
        config.hiddenSize(),
        config.intermediateSize(),
        config.layers(),
        config.heads(),
        config.keyValueHeads(),
        config.headDim(),
        config.contextLength(),
        config.epsilon(),
        new Rope(rope.headDim(), rope.rotaryDim(), rope.base(), Rope.Layout.HALVES, rope.scaling()),
        config.experts(),
        config.expertsPerToken(),
        config.variant());
  }

  /// Writes `config.json`.
  ///
  /// @throws IllegalArgumentException if the frequencies are scaled, which a GGUF file says in another
  ///     way, or no model type of the family has this variant
  public void writeConfig(FloatFormat format, Path file) throws IOException {
    LlamaConfigFile.write(config, format, file);
  }
}
