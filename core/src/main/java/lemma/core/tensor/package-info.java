/// The language in which every technique is written first: arrays of doubles with a shape and with
/// gradients.
///
/// | type        |                                                                 |
/// |-------------|-----------------------------------------------------------------|
/// | `Tensor`    | an immutable array with a shape; all operations are its methods |
/// | `Gradients` | what `Tensor.backward()` gives: a gradient for each parameter   |
/// | `SingularValues` | the singular value decomposition, and the rank that it shows |
///
/// Reading order: `Tensor`, the list of what there is; `Elementwise`, where each operation states
/// its value and its backward step side by side; `Node`, the tape in one loop; then `Arithmetic`
/// and `Strided` for broadcasting, `Reduction`, `Layout`, `Product` and `Convolution`.
package lemma.core.tensor;
