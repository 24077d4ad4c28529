package lemma.core.tensor;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import java.util.random.RandomGenerator;

/// An immutable array of doubles with a shape, in row-major order, that knows how it was computed.
///
/// ```
/// Tensor w = Tensor.gaussian(random, 8, 3).parameter();
/// Tensor loss = x.matmul(w).sub(y).square().mean();
/// Tensor dw = loss.backward().of(w);
/// ```
///
/// - Shapes **broadcast**: aligned at the last axis, a size of 1 stretches to any other.
/// - Axes may be counted from the end; [#LAST] is the last.
/// - Results that depend on a [parameter][#parameter] remember their parents, and [#backward()]
///   walks them back. Nothing is written into a tensor, so threads may share parameters and each
///   differentiate a computation of its own.
/// - Whatever does not fit is refused with an `IllegalArgumentException` that names the shapes.
/// - Equality is identity.
public final class Tensor {
  /// The last axis.
  public static final int LAST = -1;

  final double[] data;
  final int[] shape;
  final Node node; // null for a constant

  Tensor(double[] data, int[] shape, Node node) {
    this.data = data;
    this.shape = shape;
    this.node = node;
  }

  // Creation

  /// A tensor of a copy of the data, in row-major order.
  public static Tensor of(double[] data, int... shape) {
    return ofShared(data.clone(), shape);
  }

  /// A matrix of a copy of the rows.
  public static Tensor of(double[][] rows) {
    int columns = rows.length == 0 ? 0 : rows[0].length;
    double[] data = new double[Shape.count(rows.length, columns)];
    for (int i = 0; i < rows.length; i++) {
      if (rows[i].length != columns) {
        throw new IllegalArgumentException(
            "row " + i + " has " + rows[i].length + " values, row 0 has " + columns);
      }
      System.arraycopy(rows[i], 0, data, i * columns, columns);
    }
    return new Tensor(data, new int[] {rows.length, columns}, null);
  }

  /// A tensor on the array itself, without a copy: the caller must never write to it again.
  public static Tensor ofShared(double[] data, int... shape) {
    if (Shape.count(shape) != data.length) {
      throw new IllegalArgumentException(
          "shape "
              + Shape.text(shape)
              + " holds "
              + Shape.count(shape)
              + " values, data has "
              + data.length);
    }
    return new Tensor(data, shape.clone(), null);
  }

  /// A tensor of rank 1.
  public static Tensor vector(double... values) {
    return of(values, values.length);
  }

  /// A tensor of rank 0.
  public static Tensor scalar(double value) {
    return full(value);
  }

  /// All elements 0.
  public static Tensor zeros(int... shape) {
    return new Tensor(new double[Shape.count(shape)], shape.clone(), null);
  }

  /// All elements 1.
  public static Tensor ones(int... shape) {
    return full(1, shape);
  }

  /// All elements of one value.
  public static Tensor full(double value, int... shape) {
    double[] data = new double[Shape.count(shape)];
    Arrays.fill(data, value);
    return new Tensor(data, shape.clone(), null);
  }

  /// 0, 1, …, n − 1.
  public static Tensor arange(int n) {
    double[] data = new double[Shape.count(n)];
    Arrays.setAll(data, i -> i);
    return new Tensor(data, new int[] {n}, null);
  }

  /// The identity matrix.
  public static Tensor eye(int n) {
    double[] data = new double[Shape.count(n, n)];
    for (int i = 0; i < n; i++) data[i * n + i] = 1;
    return new Tensor(data, new int[] {n, n}, null);
  }

  /// Independent draws from the normal distribution N(0, 1).
  public static Tensor gaussian(RandomGenerator random, int... shape) {
    double[] data = new double[Shape.count(shape)];
    for (int i = 0; i < data.length; i++) data[i] = random.nextGaussian();
    return new Tensor(data, shape.clone(), null);
  }

  /// Independent draws, uniform in [low, high).
  public static Tensor uniform(double low, double high, RandomGenerator random, int... shape) {
    double[] data = new double[Shape.count(shape)];
    for (int i = 0; i < data.length; i++) data[i] = random.nextDouble(low, high);
    return new Tensor(data, shape.clone(), null);
  }

  // Access

  /// The sizes of all axes, as a copy.
  public int[] shape() {
    return shape.clone();
  }

  /// The size of one axis; `size(LAST)` is that of the last.
  public int size(int axis) {
    return shape[Shape.axis(axis, shape)];
  }

  /// The number of axes.
  public int rank() {
    return shape.length;
  }

  /// The number of elements.
  public int count() {
    return data.length;
  }

  /// The only element.
  public double item() {
    if (data.length != 1) {
      throw new IllegalArgumentException(
          "item() needs a single element, this is " + Shape.text(shape));
    }
    return data[0];
  }

  /// The element at one index for each axis.
  public double get(int... index) {
    int at = 0;
    boolean inside = index.length == shape.length;
    for (int axis = 0; inside && axis < shape.length; axis++) {
      inside = index[axis] >= 0 && index[axis] < shape[axis];
      at = at * shape[axis] + index[axis];
    }
    if (!inside) {
      throw new IllegalArgumentException(
          "index " + Shape.text(index) + " is outside of " + Shape.text(shape));
    }
    return data[at];
  }

  /// All elements in row-major order, as a copy.
  public double[] toArray() {
    return data.clone();
  }

  /// All elements in row-major order, shared: to be read, never written.
  public double[] data() {
    return data;
  }

  // Gradients

  /// The same values as a leaf of the tape: [#backward()] gives its gradient. What led to them is
  /// cut off.
  public Tensor parameter() {
    return new Tensor(data, shape, Node.leaf(data.length));
  }

  /// Whether a gradient flows through this tensor: it is a parameter, or was computed from one.
  public boolean requiresGrad() {
    return node != null;
  }

  /// The same values as a constant: gradients stop here.
  public Tensor detach() {
    return node == null ? this : new Tensor(data, shape, null);
  }

  /// The gradients of this single element with respect to all parameters that it was computed from.
  ///
  /// @throws IllegalArgumentException if there is more than one element
  public Gradients backward() {
    if (data.length != 1) {
      throw new IllegalArgumentException(
          "backward() needs a single element, this is " + Shape.text(shape));
    }
    return backward(ones(shape));
  }

  /// The gradients of Σ seed·this: a vector-Jacobian product. The seed has the shape of this
  /// tensor.
  public Gradients backward(Tensor seed) {
    if (!Arrays.equals(seed.shape, shape)) {
      throw new IllegalArgumentException(
          "seed " + Shape.text(seed.shape) + " must have the shape of " + Shape.text(shape));
    }
    return node == null ? new Gradients(Map.of()) : node.backward(seed.data);
  }

  /// An operation with a backward step of its own: a value that was computed from the inputs in any
  /// way, and what turns its gradient into one for each input (`null` for none).
  public static Tensor custom(
      Tensor value, Function<Tensor, List<Tensor>> backward, Tensor... inputs) {
    return Custom.of(value, backward, inputs.clone());
  }

  // Arithmetic, with broadcasting

  /// `this + other`.
  public Tensor add(Tensor other) {
    return Arithmetic.add(this, other);
  }

  /// `this + value`.
  public Tensor add(double value) {
    return Elementwise.add(this, value);
  }

  /// `this − other`.
  public Tensor sub(Tensor other) {
    return Arithmetic.sub(this, other);
  }

  /// `this − value`.
  public Tensor sub(double value) {
    return Elementwise.add(this, -value);
  }

  /// `this · other`, element by element.
  public Tensor mul(Tensor other) {
    return Arithmetic.mul(this, other);
  }

  /// `this · value`.
  public Tensor mul(double value) {
    return Elementwise.mul(this, value);
  }

  /// `this / other`.
  public Tensor div(Tensor other) {
    return Arithmetic.div(this, other);
  }

  /// `this / value`.
  public Tensor div(double value) {
    return Elementwise.div(this, value);
  }

  /// The larger of both; where they tie, each gets half of the gradient.
  public Tensor maximum(Tensor other) {
    return Arithmetic.maximum(this, other);
  }

  /// The smaller of both; where they tie, each gets half of the gradient.
  public Tensor minimum(Tensor other) {
    return Arithmetic.minimum(this, other);
  }

  /// `a` where the mask is not zero, `b` elsewhere.
  public static Tensor where(Tensor mask, Tensor a, Tensor b) {
    return Arithmetic.where(mask, a, b);
  }

  /// This, with `value` where the mask is not zero; the mask broadcasts to this shape.
  public Tensor maskedFill(Tensor mask, double value) {
    return Arithmetic.maskedFill(this, mask, value);
  }

  // Element by element

  /// `f` of each element, with its derivative for the gradient.
  public Tensor map(DoubleUnaryOperator f, DoubleUnaryOperator derivative) {
    return Elementwise.map(this, f, derivative);
  }

  /// `−x`.
  public Tensor neg() {
    return Elementwise.mul(this, -1);
  }

  /// `x²`.
  public Tensor square() {
    return Elementwise.square(this);
  }

  /// `√x`.
  public Tensor sqrt() {
    return Elementwise.sqrt(this);
  }

  /// `eˣ`.
  public Tensor exp() {
    return Elementwise.exp(this);
  }

  /// The natural logarithm.
  public Tensor log() {
    return Elementwise.log(this);
  }

  /// `xᵖ`.
  public Tensor pow(double power) {
    return Elementwise.pow(this, power);
  }

  /// `|x|`, with derivative 0 at 0.
  public Tensor abs() {
    return Elementwise.abs(this);
  }

  /// The sine of radians.
  public Tensor sin() {
    return Elementwise.sin(this);
  }

  /// The cosine of radians.
  public Tensor cos() {
    return Elementwise.cos(this);
  }

  /// The hyperbolic tangent.
  public Tensor tanh() {
    return Elementwise.tanh(this);
  }

  /// `σ(x) = 1/(1 + e⁻ˣ)`.
  public Tensor sigmoid() {
    return Elementwise.sigmoid(this);
  }

  /// `x·σ(x)`, also called swish.
  public Tensor silu() {
    return Elementwise.silu(this);
  }

  /// `ln(1 + eˣ)`, without overflow.
  public Tensor softplus() {
    return Elementwise.softplus(this);
  }

  /// `max(x, 0)`, with derivative 0 at 0.
  public Tensor relu() {
    return Elementwise.relu(this);
  }

  /// `2/√π·∫₀ˣ e^(−t²) dt`.
  public Tensor erf() {
    return Elementwise.erf(this);
  }

  /// `x·Φ(x)` with the normal distribution Φ: the exact form.
  public Tensor gelu() {
    return Elementwise.gelu(this);
  }

  /// `x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))`: the approximation.
  public Tensor geluTanh() {
    return Elementwise.geluTanh(this);
  }

  /// `min(max(x, low), high)`; the gradient passes where low ≤ x ≤ high.
  public Tensor clamp(double low, double high) {
    return Elementwise.clamp(this, low, high);
  }

  // Reductions: a reduced axis stays with size 1, so that x.sub(x.mean(LAST)) broadcasts

  /// The sum of all elements, of rank 0.
  public Tensor sum() {
    return Layout.reshape(Reduction.sum(this, allAxes()), new int[0]);
  }

  /// The sum along the given axes, which stay with size 1.
  public Tensor sum(int... axes) {
    return Reduction.sum(this, axes);
  }

  /// The sum along an axis, which is dropped unless `keepDims`.
  public Tensor sum(int axis, boolean keepDims) {
    return dropUnless(keepDims, Reduction.sum(this, axis), axis);
  }

  /// The mean of all elements, of rank 0.
  public Tensor mean() {
    return Layout.reshape(Reduction.mean(this, allAxes()), new int[0]);
  }

  /// The mean along the given axes, which stay with size 1.
  public Tensor mean(int... axes) {
    return Reduction.mean(this, axes);
  }

  /// The mean along an axis, which is dropped unless `keepDims`.
  public Tensor mean(int axis, boolean keepDims) {
    return dropUnless(keepDims, Reduction.mean(this, axis), axis);
  }

  /// The biased variance, mean((x − mean x)²), of all elements, of rank 0.
  public Tensor variance() {
    return Layout.reshape(Reduction.variance(this, allAxes()), new int[0]);
  }

  /// The biased variance, mean((x − mean x)²), along the given axes, which stay with size 1.
  public Tensor variance(int... axes) {
    return Reduction.variance(this, axes);
  }

  /// The biased variance along an axis, which is dropped unless `keepDims`.
  public Tensor variance(int axis, boolean keepDims) {
    return dropUnless(keepDims, Reduction.variance(this, axis), axis);
  }

  /// The largest of all elements, of rank 0; of equals, the first gets the gradient.
  public Tensor max() {
    return Layout.reshape(Reduction.max(Layout.reshape(this, data.length), 0), new int[0]);
  }

  /// The largest element along an axis, which stays with size 1; of equals, the first gets the
  /// gradient.
  public Tensor max(int axis) {
    return Reduction.max(this, axis);
  }

  /// The largest element along an axis, which is dropped unless `keepDims`.
  public Tensor max(int axis, boolean keepDims) {
    return dropUnless(keepDims, Reduction.max(this, axis), axis);
  }

  /// `ln Σ eˣ` along an axis, which stays with size 1; −∞ if all are −∞.
  public Tensor logSumExp(int axis) {
    return Reduction.logSumExp(this, axis);
  }

  /// `ln Σ eˣ` along an axis, which is dropped unless `keepDims`.
  public Tensor logSumExp(int axis, boolean keepDims) {
    return dropUnless(keepDims, Reduction.logSumExp(this, axis), axis);
  }

  /// `eˣ / Σ eˣ` along an axis, without overflow. Where all are −∞ it is NaN, as 0/0: nothing is
  /// hidden.
  public Tensor softmax(int axis) {
    return Reduction.softmax(this, axis);
  }

  /// `x − ln Σ eˣ` along an axis, without overflow; NaN where all are −∞.
  public Tensor logSoftmax(int axis) {
    return Reduction.logSoftmax(this, axis);
  }

  /// The index of the first largest element along an axis, for all other axes in row-major order.
  public int[] argMax(int axis) {
    return Reduction.argMax(this, axis);
  }

  // Layout

  /// The same elements in another shape; one size may be −1 and is found.
  public Tensor reshape(int... shape) {
    return Layout.reshape(this, shape);
  }

  /// Exchanges two axes.
  public Tensor transpose(int axisA, int axisB) {
    return Layout.transpose(this, axisA, axisB);
  }

  /// Axis i of the result is axis `order[i]` of this.
  public Tensor permute(int... order) {
    return Layout.permute(this, order);
  }

  /// Repeats axes of size 1, and new ones in front, up to the given shape.
  public Tensor broadcastTo(int... shape) {
    return Layout.broadcastTo(this, shape);
  }

  /// A new axis of size 1, at this place of the result.
  public Tensor unsqueeze(int axis) {
    return Layout.unsqueeze(this, axis);
  }

  /// Drops axes of size 1.
  public Tensor squeeze(int... axes) {
    return Layout.squeeze(this, axes);
  }

  /// Repeats each slice of an axis `times` times in a row: a, b → a, a, b, b.
  public Tensor repeat(int axis, int times) {
    return Layout.repeat(this, axis, times);
  }

  /// The part of an axis from index `from` up to, not including, `to`.
  public Tensor slice(int axis, int from, int to) {
    return Layout.slice(this, axis, from, to);
  }

  /// The slice at one index of an axis, without that axis.
  public Tensor select(int axis, int index) {
    return Layout.slice(this, axis, index, index + 1).squeeze(axis);
  }

  /// Tensors behind each other along an axis.
  public static Tensor concat(int axis, Tensor... parts) {
    return Layout.concat(axis, parts.clone());
  }

  /// Tensors of one shape along a new axis.
  public static Tensor stack(int axis, Tensor... parts) {
    return Layout.stack(axis, parts);
  }

  /// Slices of axis 0, an id each: the look-up in an embedding table.
  public Tensor rows(int... ids) {
    return Layout.rows(this, ids);
  }

  /// One element of each row of the last axis: `y[i] = x[i, index[i]]`, without that axis.
  public Tensor pick(int... index) {
    return Layout.pick(this, index);
  }

  /// Zeros around the last two axes.
  public Tensor pad2d(int top, int bottom, int left, int right) {
    return Layout.pad2d(this, top, bottom, left, right);
  }

  // Products and images

  /// The matrix product `[.., m, k]·[.., k, n] → [.., m, n]`; axes in front broadcast.
  public Tensor matmul(Tensor other) {
    return Product.matmul(this, other);
  }

  /// The product with the transposed matrix, `[.., m, k]·[.., n, k]ᵀ → [.., m, n]`: q·kᵀ, x·Wᵀ.
  public Tensor matmulTransposed(Tensor other) {
    return Product.matmulTransposed(this, other);
  }

  /// The cross-correlation of `[n, channels, height, width]` with `[out, channels, kernelHeight,
  /// kernelWidth]`, over zeros around the image.
  public Tensor conv2d(Tensor weight, int stride, int padding) {
    return Convolution.conv2d(this, weight, stride, padding);
  }

  /// The same plus a bias `[out]`.
  public Tensor conv2d(Tensor weight, Tensor bias, int stride, int padding) {
    return Convolution.conv2d(this, weight, bias, stride, padding);
  }

  /// Each pixel of the last two axes becomes a square of `factor` by `factor`.
  public Tensor upsampleNearest(int factor) {
    return Convolution.upsampleNearest(this, factor);
  }

  /// The mean of each square of `factor` by `factor` of the last two axes.
  public Tensor averagePool(int factor) {
    return Convolution.averagePool(this, factor);
  }

  private int[] allAxes() {
    int[] axes = new int[shape.length];
    Arrays.setAll(axes, i -> i);
    return axes;
  }

  private static Tensor dropUnless(boolean keepDims, Tensor reduced, int axis) {
    return keepDims ? reduced : reduced.squeeze(axis);
  }

  /// The shape and the first values.
  @Override
  public String toString() {
    StringJoiner values = new StringJoiner(", ", " {", "}");
    for (int i = 0; i < Math.min(data.length, 6); i++) values.add(Double.toString(data[i]));
    if (data.length > 6) values.add("…");
    return "Tensor" + Shape.text(shape) + values;
  }
}
