/// Feed-forward layers: what a transformer does to each token by itself, two thirds of its weights.
///
/// | type | what it computes |
/// |---|---|
/// | [Linear] | x·Wᵀ + b |
/// | [FeedForward] | down(f(up(x))) |
/// | [GluFfn] | down(f(gate(x)) ⊙ up(x)): SwiGLU, GEGLU, ReGLU |
/// | [SwiGluNd4j] | the gate of SwiGLU on ND4J; on floats it is [lemma.core.kernel.SwiGluKernel] |
/// | [TopKRouter], [Routing] | which experts see which token, and how much each counts |
/// | [MixtureOfExperts] | Σ weight · expert(x) over the chosen experts |
///
/// Reading order: `FeedForward`, `GluFfn`, `TopKRouter`, `MixtureOfExperts`.
package lemma.core.feedforward;
