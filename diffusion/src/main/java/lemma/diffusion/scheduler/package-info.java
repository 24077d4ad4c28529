/// From noise to an image: the solvers that walk a diffusion model backwards.
///
/// | type | what it is |
/// |---|---|
/// | [Scheduler] | a solver's configuration; starts a run, which holds the state |
/// | [Ddpm] | the posterior of the Markov chain: noise in every step |
/// | [Ddim] | any stride, with as much noise as η says; without noise it can be inverted |
/// | [DdimInverse] | the same walk upwards: an image to its latent noise |
/// | [SigmaScheduler] | any [SigmaSolver] as a scheduler |
/// | [SigmaSolver] | the probability-flow equation in σ |
/// | [Euler], [EulerAncestral] | order 1 |
/// | [Heun], [Dpm2] | order 2, two calls a stride |
/// | [LinearMultistep], [DpmSolver], [UniPc] | higher orders from earlier calls |
/// | [DpmSolverSingleStep] | higher orders in blocks of calls |
/// | [Churn], [Ancestral] | the two ways to add fresh noise |
/// | [Pndm] | linear multistep in timesteps |
/// | [Sampler] | the loop: ask the [Denoiser], take a step, tell the observer |
/// | [Posterior] | q(xₛ | xₜ, x₀), the Gaussian behind both |
/// | [Clipping] | what keeps x̂₀ in range |
/// | [DdpmLoss] | the objectives of training |
/// | [Slerp] | between two latents, along the sphere |
/// | [DdimKernel], [DdimNd4j] | a step as one pass over floats, and on ND4J |
package lemma.diffusion.scheduler;
