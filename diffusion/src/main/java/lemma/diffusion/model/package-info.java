/// The image model: the blocks of a U-Net, a small class-conditional one made of them, and the
/// classifier that judges what it draws.
///
/// | type | |
/// |---|---|
/// | [TimestepEmbedding] | a timestep as sines and cosines |
/// | [ResNetBlock], [SelfAttention2d], [Resampling] | the blocks |
/// | [Conv2d] | the layer in them that language models lack; the others are those of [lemma.core.norm] |
/// | [GlyphDenoiser] | the network; [GlyphDiffusion] with its schedule, from a folder |
/// | [GlyphSampler] | draws with it: scheduler, guidance, every core |
/// | [GlyphClassifier] | reads what was drawn |
/// | [DenoisingObjective], [ClassificationObjective] | what they are trained on; [GlyphTraining] how |
/// | [Weights], [ModelFolder] | parameters by name, and their files |
///
/// Reading order: `GlyphDenoiser`, `ResNetBlock`, `DenoisingObjective`.
package lemma.diffusion.model;
