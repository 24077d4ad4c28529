/// Tuning: teaching a trained model something new with few parameters of its own.
///
/// | type | |
/// |---|---|
/// | [Lora] | one low-rank update: ΔW = α/r · B·A |
/// | [LoraConfig] | rank, α, which matrices, how A begins |
/// | [LoraAdapter] | the updates of a whole model, by the names of its matrices |
/// | [LoraSum] | several updates as one: three sums, of which one is exact |
/// | [PeftFolder] | adapters as files of the PEFT library |
///
/// Read [Lora] first. [LoraKernel] is its fast form, [LoraNd4j] its ND4J form.
package lemma.core.tuning;
