/// Files of weights: read where they lie, and believed only after they were checked.
///
/// | type | what it is |
/// |---|---|
/// | [Checkpoint] | the weights of a model, in one file or several |
/// | [WeightFile] | one file of any known kind: what it lists, and its tensors |
/// | [Safetensors], [SafetensorsWriter] | one safetensors file, mapped; and how to write one, or shards |
/// | [Gguf], [GgufWriter] | one GGUF file, mapped; and how to write one |
/// | [GgufValue], [GgmlType] | what a GGUF file's metadata and tensors can be |
/// | [TorchCheckpoint], [TorchTensor] | a file of `torch.save`, read without running it |
/// | [CheckpointLayouts], [LayoutConversion] | Stable Diffusion as one file and as a folder |
/// | [TensorSource] | a tensor on its way into a file, converted piece by piece |
/// | [StoredTensor] | a tensor in a file: name, type, shape and its bytes |
/// | [ElementType], [FloatFormat] | what the bytes mean; conversions between float formats |
/// | [BlockFormat] | weights quantised in blocks: `Q8_0`, `Q6_K`, `Q4_K`, `Q4_1`, `Q4_0` |
/// | [JsonFile] | a JSON object such as `config.json`, with its members checked |
/// | [FormatException] | what was wrong with which file, in one line |
package lemma.core.format;
