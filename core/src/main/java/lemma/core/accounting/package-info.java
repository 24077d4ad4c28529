/// What a model costs, from its configuration alone: parameters, bytes, operations.
///
/// | type | what it is |
/// |---|---|
/// | [ParameterCount] | parameters by part, by formula |
/// | [WeightFormat] | bytes of weights as stored or quantised |
/// | [TrainingMemory], [ZeroStage] | weights, gradients and optimiser, whole or divided among devices |
/// | [AdapterMemory] | the same for LoRA and QLoRA |
/// | [ComputeCost] | floating-point operations of a token |
///
/// Key/value caches are counted by [lemma.core.cache.KvCacheSize], activations by
/// [lemma.core.training.ActivationMemory].
package lemma.core.accounting;
