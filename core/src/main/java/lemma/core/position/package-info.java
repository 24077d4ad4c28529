/// Position: how attention, which by itself sees a set, learns of order.
///
/// | type | |
/// |---|---|
/// | [Sinusoidal] | a fixed vector of sines and cosines for each position, added to the embedding |
/// | [LearnedPosition] | a learned vector for each position, added likewise |
/// | [RelativeBias] | a learned number for each bucket of distances, added to the score |
/// | [RelativeKeys] | a learned vector for each distance, added to keys and values |
/// | [Alibi] | a fixed cost for each step of distance, subtracted from the score |
/// | [Rope] | rotates pairs of channels of q and k: scores depend on the distance |
/// | [RopeScaling] | other frequencies for contexts longer than those of training |
/// | [AxialRope] | one rotation for each axis of an image |
/// | [XPos] | [Rope] with a decay that grows with the distance |
/// | [TrainedAngles] | which angles of a rotation training has shown, and which a longer text adds |
/// | [LogNScaling] | sharper queries where there are more keys to choose from |
///
/// Read [Sinusoidal] and [Rope] first. [RopeKernel] is its fast form over a [RopeTable], [RopeNd4j] its ND4J form.
package lemma.core.position;
