package lemma.core.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import lemma.core.format.Checkpoint;
import lemma.core.format.ElementType;
import lemma.core.format.FormatException;
import lemma.core.format.Gguf;
import lemma.core.format.StoredTensor;
import lemma.core.format.WeightFile;

/// A configuration and the files that hold its weights; every weight is there, in its shape.
record ModelCheckpoint<C extends ModelConfig>(C config, Checkpoint files) {

  /// @throws FormatException if a tensor is missing, has another shape or does not hold weights
  ModelCheckpoint {
    int stored = files.tensors().size();
    if (config.leastTensors() > stored) // before every weight of every layer is listed
    throw new FormatException(
          files.source(), "%d layers need more than %d tensors".formatted(config.layers(), stored));
    config
        .weightShapes()
        .forEach((name, shape) -> {
          StoredTensor tensor = tensor(name, files);
          if (!Arrays.equals(tensor.shape(), Arrays.stream(shape).asLongStream().toArray()))
            throw new FormatException(
                files.source(),
                "tensor %s must have shape %s, was %s"
                    .formatted(
                        tensor.name(), Arrays.toString(shape), Arrays.toString(tensor.shape())));
          if (tensor.type().floatFormat().isEmpty()
              && tensor.type().blockFormat().isEmpty()
              && tensor.type() != ElementType.F64)
            throw new FormatException(files.source(), "tensor " + tensor + " must hold floats");
        });
  }

  /// Opens a folder with `config.json` and a file of weights or its index, one such file beside its
  /// `config.json`, or a GGUF file, which needs nothing beside it.
  static ModelCheckpoint<?> open(Path path) throws IOException {
    if (!Files.exists(path)) throw new FormatException(path, "no such file or folder");
    if (Files.isRegularFile(path) && WeightFile.open(path) instanceof Gguf gguf)
      return GgufModel.read(gguf);
    return new ModelCheckpoint<>(ModelConfig.read(path), Checkpoint.open(path));
  }

  /// The same for one family.
  ///
  /// @throws FormatException if the files hold a model of another
  static <C extends ModelConfig> ModelCheckpoint<C> open(Path path, Class<C> family)
      throws IOException {
    ModelCheckpoint<?> checkpoint = open(path);
    if (!family.isInstance(checkpoint.config))
      throw new FormatException(
          path,
          "holds %s, expected %s"
              .formatted(checkpoint.config.getClass().getSimpleName(), family.getSimpleName()));
    return new ModelCheckpoint<>(family.cast(checkpoint.config), checkpoint.files);
  }

  /// A weight by its name in [ModelConfig#weightShapes].
  StoredTensor tensor(String name) {
    return tensor(name, files);
  }

  private static StoredTensor tensor(String name, Checkpoint files) {
    for (String other : otherNames(name))
      if (!files.tensors().containsKey(name) && files.tensors().containsKey(other))
        return files.tensor(other);
    return files.tensor(name);
  }

  /// What the same weight is called in files of another age: GPT-2 as first published, LayerNorm by
  /// TensorFlow's names, T5's table and BERT's last bias by where they are used.
  private static List<String> otherNames(String name) {
    return List.of(
        name.replaceFirst("^transformer\\.", ""),
        name.replace("LayerNorm.weight", "LayerNorm.gamma")
            .replace("LayerNorm.bias", "LayerNorm.beta"),
        name.equals("shared.weight") ? "encoder.embed_tokens.weight" : name,
        name.replace("cls.predictions.bias", "cls.predictions.decoder.bias"));
  }
}
