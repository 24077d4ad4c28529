package lemma.core.model;

/// What every decoder-only model has: a residual stream, and layers of heads.
public sealed interface DecoderConfig extends ModelConfig permits LlamaConfig, Gpt2Config {

  /// Width of the residual stream.
  int hiddenSize();

  /// Query heads of a layer.
  int heads();

  /// Heads of keys and values of a layer; they divide [#heads].
  int keyValueHeads();

  /// Channels of a head.
  int headDim();
}
