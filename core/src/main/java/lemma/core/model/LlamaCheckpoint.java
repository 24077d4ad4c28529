package lemma.core.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import lemma.core.format.Checkpoint;
import lemma.core.format.ElementType;
import lemma.core.format.FormatException;
import lemma.core.format.StoredTensor;

/// A configuration and the files that hold its weights; every weight is there, in its shape.
record LlamaCheckpoint(LlamaConfig config, Checkpoint files) {

  /// @throws FormatException if a tensor is missing, has another shape or no floating-point type
  LlamaCheckpoint {
    int stored = files.tensors().size();
    if (config.layers() > stored) // before every weight of every layer is listed
    throw new FormatException(
          files.source(), "%d layers need more than %d tensors".formatted(config.layers(), stored));
    config
        .weightShapes()
        .forEach((name, shape) -> {
          StoredTensor tensor = files.tensor(name);
          if (!Arrays.equals(tensor.shape(), Arrays.stream(shape).asLongStream().toArray()))
            throw new FormatException(
                files.source(),
                "tensor %s must have shape %s, was %s"
                    .formatted(name, Arrays.toString(shape), Arrays.toString(tensor.shape())));
          if (tensor.type().floatFormat().isEmpty() && tensor.type() != ElementType.F64)
            throw new FormatException(files.source(), "tensor " + tensor + " must hold floats");
        });
  }

  /// Opens a folder with `config.json` and `model.safetensors` or its index, or one safetensors file
  /// beside its `config.json`.
  static LlamaCheckpoint open(Path path) throws IOException {
    if (!Files.exists(path)) throw new FormatException(path, "no such file or folder");
    Path folder = Files.isDirectory(path) ? path : path.toAbsolutePath().getParent();
    return switch (ModelConfig.read(folder)) {
      case LlamaConfig config -> new LlamaCheckpoint(config, Checkpoint.open(path));
    };
  }

  StoredTensor tensor(String name) {
    return files.tensor(name);
  }
}
