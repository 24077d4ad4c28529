/// How much noise, and when: the timetable that training and sampling share.
///
/// | type | what it says |
/// |---|---|
/// | [BetaSchedule] | the variance β that each training step adds |
/// | [NoiseSchedule] | ᾱ, what is left of the image after each |
/// | [NoiseLevel] | signal and noise of one timestep, or of each image of a batch |
/// | [Prediction] | ε, x₀ or v: what a network predicts, and how they interchange |
/// | [TimestepSpacing], [TimestepRespacing] | the few timesteps that a sampler visits |
/// | [LossWeight] | how much a timestep counts in training |
/// | [FlowShift] | more time at high noise for larger images (SD3, FLUX) |
package lemma.diffusion.schedule;
