package lemma.sampling;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import lemma.core.format.FloatFormat;
import lemma.core.model.Llama;
import lemma.core.model.LlamaConfig;
import lemma.core.model.LlamaDecoder;
import lemma.core.tensor.Tensor;
import lemma.core.tokenizer.Tokenizer;
import lemma.core.tokenizer.TokenizerJson;

/// The shipped language model, for figures of real text.
public final class Storyteller {
  private static final Path FOLDER = Path.of("../core/models/storyteller");

  private Storyteller() {}

  /// The model as a formula.
  public static Llama formula() {
    try {
      return Llama.load(FOLDER);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The model on one thread.
  public static LlamaDecoder open() {
    try {
      return LlamaDecoder.open(FOLDER, 1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static Tokenizer tokenizer() {
    try {
      return TokenizerJson.read(FOLDER);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The model without its last layers.
  public static LlamaDecoder shallow(int layers) {
    Llama model = formula();
    LlamaConfig c = model.config();
    var config =
        new LlamaConfig(
            c.vocabularySize(),
            c.hiddenSize(),
            c.intermediateSize(),
            layers,
            c.heads(),
            c.keyValueHeads(),
            c.headDim(),
            c.contextLength(),
            c.epsilon(),
            c.rope(),
            c.experts(),
            c.expertsPerToken(),
            c.variant());
    Map<String, Tensor> weights = new LinkedHashMap<>();
    for (String name : config.weightShapes().keySet()) weights.put(name, model.weights().get(name));
    return LlamaDecoder.of(new Llama(config, weights), FloatFormat.F32, 1);
  }
}
