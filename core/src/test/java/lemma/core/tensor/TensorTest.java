package lemma.core.tensor;

import static lemma.core.tensor.Tensor.LAST;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/// Values of all operations against definitions that index every element on its own.
@DisplayNameGeneration(ReplaceUnderscores.class)
class TensorTest {
  private static final double NEGATIVE_INFINITY = Double.NEGATIVE_INFINITY;

  private final RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(3);

  @Test
  void creation_and_access() {
    Tensor x = Tensor.of(new double[] {1, 2, 3, 4, 5, 6}, 2, 3);
    assertThat(x.shape()).containsExactly(2, 3);
    assertThat(x.size(LAST)).isEqualTo(3);
    assertThat(x.size(0)).isEqualTo(2);
    assertThat(x.rank()).isEqualTo(2);
    assertThat(x.count()).isEqualTo(6);
    assertThat(x.get(1, 0)).isEqualTo(4);
    assertThat(x).hasToString("Tensor[2, 3] {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}");
    assertThat(Tensor.arange(9)).hasToString("Tensor[9] {0.0, 1.0, 2.0, 3.0, 4.0, 5.0, …}");
    assertThat(Tensor.of(new double[][] {{1, 2, 3}, {4, 5, 6}}).toArray()).isEqualTo(x.toArray());
    assertThat(Tensor.scalar(7).item()).isEqualTo(7);
    assertThat(Tensor.scalar(7).rank()).isZero();
    assertThat(Tensor.vector(1, 2).shape()).containsExactly(2);
    assertThat(Tensor.zeros(2).toArray()).containsExactly(0, 0);
    assertThat(Tensor.ones(2).toArray()).containsExactly(1, 1);
    assertThat(Tensor.full(3, 2, 1).toArray()).containsExactly(3, 3);
    assertThat(Tensor.eye(2).toArray()).containsExactly(1, 0, 0, 1);
    for (double v : Tensor.uniform(-2, -1, random, 50).toArray())
      assertThat(v).isBetween(-2.0, -1.0);
    assertThat(Tensor.zeros(2, 0, 3).count()).isZero();
  }

  @Test
  void gaussian_has_mean_zero_and_variance_one() {
    Tensor x = Tensor.gaussian(random, 100, 100);
    // standard errors of 10⁴ draws: 0.01 and 0.014; five of each
    assertThat(x.mean().item()).isCloseTo(0, within(0.05));
    assertThat(x.variance().item()).isCloseTo(1, within(0.07));
  }

  @Test
  void arrays_go_in_and_come_out_as_copies_unless_shared() {
    double[] data = {1, 2};
    int[] shape = {2};
    Tensor copy = Tensor.of(data, shape);
    Tensor shared = Tensor.ofShared(data, shape);
    data[0] = 9;
    shape[0] = 5;
    copy.shape()[0] = 5;
    copy.toArray()[1] = 5;
    assertThat(copy.toArray()).containsExactly(1, 2);
    assertThat(copy.shape()).containsExactly(2);
    assertThat(shared.get(0)).isEqualTo(9);
    assertThat(shared.data()).isSameAs(data);
  }

  @Test
  void arithmetic_broadcasts_as_if_every_index_were_looked_up() {
    Map<BinaryOperator<Tensor>, DoubleBinaryOperator> operations =
        Map.of(
            Tensor::add, (a, b) -> a + b,
            Tensor::sub, (a, b) -> a - b,
            Tensor::mul, (a, b) -> a * b,
            Tensor::div, (a, b) -> a / b,
            Tensor::maximum, Math::max,
            Tensor::minimum, Math::min);
    for (int trial = 0; trial < 200; trial++) {
      int[] common = randomShape();
      Tensor a = Tensor.gaussian(random, stretched(common));
      Tensor b = Tensor.gaussian(random, stretched(common));
      int[] expectedShape = Shape.broadcast(a.shape(), b.shape());
      operations.forEach((operation, definition) -> {
        Tensor y = operation.apply(a, b);
        assertThat(y.shape()).isEqualTo(expectedShape);
        double[] expected = new double[y.count()];
        for (int i = 0; i < expected.length; i++) {
          expected[i] = definition.applyAsDouble(at(a, i, expectedShape), at(b, i, expectedShape));
        }
        assertThat(y.toArray()).isEqualTo(expected);
      });
      Tensor mask = b.map(v -> v > 0 ? 1 : 0, v -> 0);
      Tensor chosen = Tensor.where(mask, a, b);
      Tensor wide = a.broadcastTo(expectedShape);
      Tensor filled = wide.maskedFill(mask, 7);
      for (int i = 0; i < chosen.count(); i++) {
        double va = at(a, i, expectedShape);
        double vb = at(b, i, expectedShape);
        assertThat(wide.data()[i]).isEqualTo(va);
        assertThat(chosen.data()[i]).isEqualTo(vb > 0 ? va : vb);
        assertThat(filled.data()[i]).isEqualTo(vb > 0 ? 7 : va);
      }
    }
  }

  private int[] randomShape() {
    int[] shape = new int[random.nextInt(5)];
    for (int i = 0; i < shape.length; i++) shape[i] = random.nextInt(1, 5);
    return shape;
  }

  /// The shape with some sizes one and some leading axes missing.
  private int[] stretched(int[] common) {
    int lead = random.nextInt(common.length + 1);
    int[] shape = new int[common.length - lead];
    for (int i = 0; i < shape.length; i++) shape[i] = random.nextBoolean() ? 1 : common[lead + i];
    return shape;
  }

  /// The element of x that broadcasts to place i of the common shape.
  private static double at(Tensor x, int i, int[] common) {
    int[] index = new int[x.rank()];
    for (int axis = common.length - 1; axis >= 0; axis--) {
      int own = axis - (common.length - x.rank());
      if (own >= 0) index[own] = x.size(own) == 1 ? 0 : i % common[axis];
      i /= common[axis];
    }
    return x.get(index);
  }

  @Test
  void functions_of_single_elements_follow_their_formulas() {
    Tensor x = Tensor.uniform(0.1, 3, random, 3, 7);
    assertMaps(x, x.add(2), v -> v + 2);
    assertMaps(x, x.sub(2), v -> v - 2);
    assertMaps(x, x.mul(2.5), v -> v * 2.5);
    assertMaps(x, x.div(3), v -> v / 3);
    assertMaps(x, x.neg(), v -> -v);
    assertMaps(x, x.square(), v -> v * v);
    assertMaps(x, x.sqrt(), Math::sqrt);
    assertMaps(x, x.exp(), Math::exp);
    assertMaps(x, x.log(), Math::log);
    assertMaps(x, x.pow(2.5), v -> v * v * Math.sqrt(v));
    Tensor y = x.sub(1.5);
    assertMaps(y, y.abs(), Math::abs);
    assertMaps(y, y.sin(), Math::sin);
    assertMaps(y, y.cos(), Math::cos);
    assertMaps(y, y.tanh(), v -> 1 - 2 / (Math.exp(2 * v) + 1));
    assertMaps(y, y.sigmoid(), v -> Math.exp(v) / (1 + Math.exp(v)));
    assertMaps(y, y.silu(), v -> v * Math.exp(v) / (1 + Math.exp(v)));
    assertMaps(y, y.softplus(), v -> Math.log(1 + Math.exp(v)));
    assertMaps(y, y.relu(), v -> v > 0 ? v : 0);
    assertMaps(y, y.clamp(-1, 0.5), v -> v < -1 ? -1 : v > 0.5 ? 0.5 : v);
    assertMaps(
        y,
        y.geluTanh(),
        v -> 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v))));
    assertMaps(y, y.gelu().mul(2).div(y).sub(1), v -> y.div(Math.sqrt(2)).erf().data()[at(y, v)]);
  }

  private static int at(Tensor x, double value) {
    for (int i = 0; i < x.count(); i++) if (x.data()[i] == value) return i;
    throw new AssertionError(value);
  }

  private static void assertMaps(Tensor x, Tensor y, DoubleUnaryOperator definition) {
    assertThat(y.shape()).isEqualTo(x.shape());
    for (int i = 0; i < x.count(); i++) {
      double expected = definition.applyAsDouble(x.data()[i]);
      // a few roundings of numbers below ten
      assertThat(y.data()[i]).isCloseTo(expected, within(1e-14 * Math.max(1, Math.abs(expected))));
    }
  }

  @Test
  void erf_is_the_integral_of_its_density() {
    // published to 15 digits and more: Abramowitz & Stegun, table 7.1
    double[][] published = {
      {0, 0},
      {0.5, 0.5204998778130465},
      {1, 0.8427007929497149},
      {1.5, 0.9661051464753108},
      {2, 0.9953222650189527},
      {3, 0.9999779095030014},
    };
    for (double[] pair : published) {
      Tensor y = Tensor.vector(pair[0], -pair[0]).erf();
      assertThat(y.get(0)).isCloseTo(pair[1], within(2e-16));
      assertThat(y.get(1)).isCloseTo(-pair[1], within(2e-16));
    }
    // the series and the fraction meet at 2; both sides must agree with Simpson's rule
    for (double x = 0.05; x < 6; x += 0.05) {
      int n = 2000; // error x·h⁴/180·12 below 1e-11·x⁵/n⁴·…, far under rounding
      double h = x / n;
      double sum = 0;
      for (int i = 0; i <= n; i++) {
        double weight = i == 0 || i == n ? 1 : i % 2 == 1 ? 4 : 2;
        sum += weight * Math.exp(-(i * h) * (i * h));
      }
      double integral = 2 / Math.sqrt(Math.PI) * sum * h / 3;
      assertThat(Tensor.scalar(x).erf().item()).isCloseTo(integral, within(1e-11));
    }
    Tensor extremes = Tensor.vector(40, -40, Double.POSITIVE_INFINITY, Double.NaN).erf();
    assertThat(extremes.toArray()).containsExactly(1, -1, 1, Double.NaN);
  }

  @Test
  void gelu_keeps_its_precision_far_to_the_left() {
    // x·Φ(x) ≈ −φ(x)·(1 − 1/x² + 3/x⁴ − 15/x⁶ + 105/x⁸): at −20 the next term is 4e-11
    double x = -20;
    double tail = 1 - 1 / 4e2 + 3 / 1.6e5 - 15 / 6.4e7 + 105 / 2.56e10;
    double expected = -Math.exp(-200) / Math.sqrt(2 * Math.PI) * tail;
    assertThat(Tensor.scalar(x).gelu().item() / expected).isCloseTo(1, within(1e-9));
  }

  @Test
  void large_arguments_do_not_overflow() {
    Tensor x = Tensor.vector(-1000, 1000);
    assertThat(x.sigmoid().toArray()).containsExactly(0, 1);
    assertThat(x.silu().toArray()).containsExactly(-0.0, 1000);
    assertThat(x.softplus().toArray()).containsExactly(0, 1000);
    assertThat(x.softmax(LAST).toArray()).containsExactly(0, 1);
    assertThat(x.logSoftmax(LAST).toArray()).containsExactly(-2000, 0);
    assertThat(x.logSumExp(LAST).toArray()).containsExactly(1000);
  }

  @Test
  void reductions_agree_with_sums_over_an_index() {
    Tensor x = Tensor.gaussian(random, 2, 3, 4);
    for (int axis = -3; axis < 3; axis++) {
      int at = Math.floorMod(axis, 3);
      int n = x.size(at);
      Tensor sum = x.sum(axis);
      int[] kept = x.shape();
      kept[at] = 1;
      assertThat(sum.shape()).isEqualTo(kept);
      assertThat(x.sum(axis, true).shape()).isEqualTo(kept);
      assertThat(x.sum(axis, false).shape()).isEqualTo(Shape.without(kept, at));
      int[] argMax = x.argMax(axis);
      for (int i = 0; i < sum.count(); i++) {
        double[] group = group(x, at, i);
        double total = 0;
        double squares = 0;
        double exponentials = 0;
        int largest = 0;
        for (int k = 0; k < n; k++) {
          total += group[k];
          exponentials += Math.exp(group[k]);
          if (group[k] > group[largest]) largest = k;
        }
        for (double v : group) squares += (v - total / n) * (v - total / n);
        // at most four terms of a few units: a few roundings
        assertThat(sum.data()[i]).isCloseTo(total, within(1e-14));
        assertThat(x.mean(axis).data()[i]).isCloseTo(total / n, within(1e-14));
        assertThat(x.variance(axis).data()[i]).isCloseTo(squares / n, within(1e-14));
        assertThat(x.max(axis).data()[i]).isEqualTo(group[largest]);
        assertThat(argMax[i]).isEqualTo(largest);
        assertThat(x.logSumExp(axis).data()[i]).isCloseTo(Math.log(exponentials), within(1e-14));
        double[] softmax = group(x.softmax(axis), at, i);
        double[] logSoftmax = group(x.logSoftmax(axis), at, i);
        for (int k = 0; k < n; k++) {
          double expected = Math.exp(group[k]) / exponentials;
          assertThat(softmax[k]).isCloseTo(expected, within(1e-14));
          assertThat(logSoftmax[k]).isCloseTo(Math.log(expected), within(1e-14));
        }
      }
    }
    assertThat(x.sum().rank()).isZero();
    assertThat(x.sum().item()).isCloseTo(x.sum(0).sum(1, 2).item(), within(1e-13));
    assertThat(x.mean(0, 2).shape()).containsExactly(1, 3, 1);
    assertThat(x.mean(0, 2).get(0, 1, 0)).isCloseTo(x.slice(1, 1, 2).mean().item(), within(1e-14));
    assertThat(x.max().item()).isEqualTo(x.max(0).max(1).max(2).item());
    assertThat(x.variance(0, 1, 2).item()).isEqualTo(x.variance().item());
    assertThat(Tensor.scalar(4).sum().item()).isEqualTo(4);
  }

  /// The elements of x along an axis, at place i of the other axes.
  private static double[] group(Tensor x, int axis, int i) {
    Tensor rows = x.transpose(axis, LAST);
    int[] order = x.shape();
    order[axis] = 1;
    int[] index = new int[x.rank()];
    for (int at = index.length - 1, rest = i; at >= 0; rest /= order[at--]) {
      index[at] = rest % order[at];
    }
    double[] group = new double[x.size(axis)];
    for (int k = 0; k < group.length; k++) {
      index[axis] = k;
      group[k] = x.get(index);
    }
    assertThat(rows.size(LAST)).isEqualTo(group.length);
    return group;
  }

  @Test
  void a_row_of_minus_infinities_has_no_softmax() {
    Tensor x = Tensor.full(NEGATIVE_INFINITY, 2);
    assertThat(x.softmax(LAST).toArray()).containsOnly(Double.NaN);
    assertThat(x.logSoftmax(LAST).toArray()).containsOnly(Double.NaN);
    assertThat(x.logSumExp(LAST).item()).isEqualTo(NEGATIVE_INFINITY);
    Tensor one = Tensor.vector(NEGATIVE_INFINITY, 5);
    assertThat(one.softmax(LAST).toArray()).containsExactly(0, 1);
    assertThat(one.logSoftmax(LAST).toArray()).containsExactly(NEGATIVE_INFINITY, 0);
  }

  @Test
  void a_nan_is_the_largest() {
    Tensor x = Tensor.vector(1, Double.NaN, 3, Double.NaN);
    assertThat(x.max().item()).isNaN();
    assertThat(x.argMax(0)).containsExactly(1);
    assertThat(x.softmax(0).toArray()).containsOnly(Double.NaN);
  }

  @Test
  void layout_moves_elements_to_where_their_index_says() {
    Tensor x = Tensor.gaussian(random, 2, 3, 4);
    Tensor reshaped = x.reshape(4, -1);
    Tensor transposed = x.transpose(0, LAST);
    Tensor permuted = x.permute(2, 0, 1);
    Tensor sliced = x.slice(1, 1, 3);
    Tensor selected = x.select(-2, 1);
    Tensor repeated = x.repeat(1, 2);
    Tensor picked = x.pick(3, 0, 1, 1, 2, 3);
    Tensor rows = x.rows(1, 1, 0);
    Tensor stacked = Tensor.stack(1, x, x.neg());
    Tensor joined = Tensor.concat(LAST, x, sliced(x));
    Tensor padded = x.pad2d(1, 2, 3, 0);
    assertThat(reshaped.shape()).containsExactly(4, 6);
    assertThat(permuted.shape()).containsExactly(4, 2, 3);
    assertThat(selected.shape()).containsExactly(2, 4);
    assertThat(repeated.shape()).containsExactly(2, 6, 4);
    assertThat(picked.shape()).containsExactly(2, 3);
    assertThat(rows.shape()).containsExactly(3, 3, 4);
    assertThat(stacked.shape()).containsExactly(2, 2, 3, 4);
    assertThat(joined.shape()).containsExactly(2, 3, 6);
    assertThat(padded.shape()).containsExactly(2, 6, 7);
    assertThat(x.unsqueeze(LAST).shape()).containsExactly(2, 3, 4, 1);
    assertThat(x.unsqueeze(0).shape()).containsExactly(1, 2, 3, 4);
    assertThat(x.unsqueeze(1).unsqueeze(LAST).squeeze(1, LAST).shape()).containsExactly(2, 3, 4);
    int[] chosen = {3, 0, 1, 1, 2, 3};
    for (int i = 0; i < 2; i++) {
      for (int j = 0; j < 3; j++) {
        for (int k = 0; k < 4; k++) {
          double v = x.get(i, j, k);
          int flat = (i * 3 + j) * 4 + k;
          assertThat(reshaped.get(flat / 6, flat % 6)).isEqualTo(v);
          assertThat(transposed.get(k, j, i)).isEqualTo(v);
          assertThat(permuted.get(k, i, j)).isEqualTo(v);
          if (j >= 1) assertThat(sliced.get(i, j - 1, k)).isEqualTo(v);
          if (j == 1) assertThat(selected.get(i, k)).isEqualTo(v);
          assertThat(repeated.get(i, 2 * j, k)).isEqualTo(v);
          assertThat(repeated.get(i, 2 * j + 1, k)).isEqualTo(v);
          if (k == chosen[i * 3 + j]) assertThat(picked.get(i, j)).isEqualTo(v);
          assertThat(rows.get(1 - i, j, k)).isEqualTo(i == 1 ? v : x.get(1, j, k));
          assertThat(rows.get(2 - i, j, k)).isEqualTo(v);
          assertThat(stacked.get(i, 0, j, k)).isEqualTo(v);
          assertThat(stacked.get(i, 1, j, k)).isEqualTo(-v);
          assertThat(joined.get(i, j, k)).isEqualTo(v);
          if (k < 2) assertThat(joined.get(i, j, 4 + k)).isEqualTo(v);
          assertThat(padded.get(i, 1 + j, 3 + k)).isEqualTo(v);
        }
      }
    }
    assertThat(padded.sum().item()).isCloseTo(x.sum().item(), within(1e-13));
  }

  private static Tensor sliced(Tensor x) {
    return x.slice(LAST, 0, 2);
  }

  @Test
  void empty_tensors_pass_through() {
    Tensor empty = Tensor.zeros(2, 0, 3);
    Tensor x = Tensor.gaussian(random, 2, 2, 3);
    assertThat(Tensor.concat(1, empty, x).toArray()).isEqualTo(x.toArray());
    assertThat(empty.add(Tensor.ones(3)).shape()).containsExactly(2, 0, 3);
    assertThat(empty.transpose(0, 1).shape()).containsExactly(0, 2, 3);
    assertThat(empty.softmax(LAST).shape()).containsExactly(2, 0, 3);
    assertThat(empty.sum().item()).isZero();
    assertThat(empty.matmul(Tensor.ones(3, 4)).shape()).containsExactly(2, 0, 4);
    assertThat(Tensor.ones(2, 0).matmul(Tensor.ones(0, 2)).toArray()).containsOnly(0);
  }

  @Test
  void what_does_not_fit_is_refused_with_its_shapes() {
    Tensor a = Tensor.zeros(2, 8, 64);
    Tensor b = Tensor.zeros(2, 8, 32);
    assertRefused(
        () -> a.add(b), "a [2, 8, 64] and b [2, 8, 32]: shapes do not broadcast at axis 2");
    assertRefused(() -> a.maskedFill(Tensor.ones(3, 1, 1, 1), 0), "[3, 1, 1, 1]", "[2, 8, 64]");
    assertRefused(() -> a.maskedFill(Tensor.ones(3), 0), "[3]", "[2, 8, 64]", "axis 2");
    assertRefused(() -> Tensor.of(new double[5], 2, 3), "[2, 3]", "6", "5");
    assertRefused(() -> Tensor.of(new double[][] {{1, 2}, {3}}), "row 1", "1", "2");
    assertRefused(() -> Tensor.zeros(2, -1), "[2, -1]");
    assertRefused(() -> Tensor.zeros(1 << 20, 1 << 20), "too many elements");
    assertRefused(a::item, "[2, 8, 64]");
    assertRefused(() -> a.get(0, 8, 0), "[0, 8, 0]", "[2, 8, 64]");
    assertRefused(() -> a.get(0, 0), "[0, 0]", "[2, 8, 64]");
    assertRefused(() -> a.size(3), "axis 3", "[2, 8, 64]");
    assertRefused(() -> a.sum(-4), "axis -4", "[2, 8, 64]");
    assertRefused(() -> a.sum(1, -2), "[1, -2]", "twice");
    assertRefused(() -> a.reshape(5, -1), "[5, -1]", "1024");
    assertRefused(() -> a.reshape(-1, -1), "only one");
    assertRefused(() -> a.reshape(1023), "[1023]", "[2, 8, 64]");
    assertRefused(() -> a.permute(0, 1), "[0, 1]", "[2, 8, 64]");
    assertRefused(() -> a.permute(0, 1, 1), "[0, 1, 1]", "twice");
    assertRefused(() -> a.broadcastTo(8, 64), "[2, 8, 64]", "[8, 64]");
    assertRefused(() -> a.slice(1, 3, 9), "3", "9", "[2, 8, 64]");
    assertRefused(() -> a.slice(1, 3, 2), "from 3 to 2");
    assertRefused(() -> a.select(1, 8), "[2, 8, 64]");
    assertRefused(() -> a.squeeze(1), "axis 1", "[2, 8, 64]");
    assertRefused(() -> a.unsqueeze(4), "axis 4", "[2, 8, 64]");
    assertRefused(() -> a.repeat(0, 0), "times", "0");
    assertRefused(() -> Tensor.concat(1, a, b), "[2, 8, 64]", "[2, 8, 32]", "axis 1");
    assertRefused(() -> Tensor.concat(0), "no tensors");
    assertRefused(() -> a.rows(0, 2), "row 2", "0 to 1");
    assertRefused(() -> Tensor.zeros(2, 3).pick(0, 3), "index 3", "[2, 3]");
    assertRefused(() -> Tensor.zeros(2, 3).pick(0), "2 rows", "1 indices");
    assertRefused(() -> a.pad2d(0, -1, 0, 0), "[0, -1, 0, 0]");
    assertRefused(() -> a.clamp(1, 0), "1.0", "0.0");
    assertRefused(() -> Tensor.zeros(2, 0).max(1), "[2, 0]");
    assertRefused(() -> Tensor.scalar(1).softmax(LAST), "axis -1", "[]");
  }

  private static void assertRefused(Runnable action, String... parts) {
    assertThatThrownBy(action::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  @Test
  void constants_leave_no_tape() {
    UnaryOperator<Tensor> f = x -> x.mul(2).softmax(LAST).matmul(x.transpose(0, 1));
    assertThat(f.apply(Tensor.ones(2, 2)).requiresGrad()).isFalse();
    assertThat(f.apply(Tensor.ones(2, 2).parameter()).requiresGrad()).isTrue();
  }
}
