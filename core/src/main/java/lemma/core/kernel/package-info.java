/// Loops that time is spent in: plain, on vector lanes, and shared by threads.
///
/// | type | what it computes |
/// |---|---|
/// | [MatrixProduct] | C += A·B on float64: what training lives on |
/// | [MatVecKernel] | W·x on weights as they are stored: what decoding lives on |
/// | [SwiGluKernel] | the gate of a feed-forward layer |
/// | [GeluKernel] | GELU of a feed-forward layer without a gate |
/// | [VectorMath] | functions of vectors of floats |
/// | [Workers] | threads that share the rows of one loop after another |
/// | [Lanes] | whether the Vector API is there |
package lemma.core.kernel;
