/// Position: how attention, which by itself sees a set, learns of order.
///
/// | type | |
/// |---|---|
/// | [Rope] | rotates pairs of channels of q and k: scores depend on the distance |
/// | [RopeScaling] | other frequencies for contexts longer than those of training |
/// | [AxialRope] | one rotation for each axis of an image |
/// | [XPos] | [Rope] with a decay that grows with the distance |
///
/// Read [Rope] first. [RopeKernel] is its fast form over a [RopeTable], [RopeNd4j] its ND4J form.
package lemma.core.position;
