package lemma.core.tensor;

import static lemma.core.tensor.Tensor.LAST;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/// Every operation's backward step against finite differences.
@DisplayNameGeneration(ReplaceUnderscores.class)
class TensorGradientTest {
  private static final int[][] SHAPES = {
    {}, {1}, {5}, {2, 3}, {1, 4}, {3, 1}, {2, 3, 4}, {2, 1, 3}, {2, 3, 2, 2}, {1, 2, 1, 3}
  };
  private static final int[][][] BROADCASTS = {
    {{2, 3}, {2, 3}},
    {{2, 3}, {3}},
    {{3}, {2, 3}},
    {{2, 3}, {2, 1}},
    {{2, 1}, {1, 3}},
    {{2, 3, 4}, {4}},
    {{2, 3, 4}, {2, 3, 1}},
    {{2, 3, 4}, {3, 1}},
    {{2, 1, 4}, {3, 1}},
    {{2, 3, 4, 2}, {3, 1, 1}},
    {{2, 3, 1, 2}, {1, 3, 4, 1}},
    {{2, 3}, {}},
    {{}, {2, 3}},
    {{}, {}},
    {{1, 1}, {1}},
    {{1}, {2, 1, 2, 1}},
  };

  private final RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(11);

  @Test
  void operations_on_single_elements() {
    Map<String, UnaryOperator<Tensor>> anywhere = new LinkedHashMap<>();
    anywhere.put("add", x -> x.add(0.7));
    anywhere.put("sub", x -> x.sub(0.7));
    anywhere.put("mul", x -> x.mul(-1.3));
    anywhere.put("div", x -> x.div(-1.3));
    anywhere.put("neg", Tensor::neg);
    anywhere.put("square", Tensor::square);
    anywhere.put("exp", Tensor::exp);
    anywhere.put("pow 3", x -> x.pow(3));
    anywhere.put("pow 0", x -> x.pow(0));
    anywhere.put("sin", Tensor::sin);
    anywhere.put("cos", Tensor::cos);
    anywhere.put("tanh", Tensor::tanh);
    anywhere.put("sigmoid", Tensor::sigmoid);
    anywhere.put("silu", Tensor::silu);
    anywhere.put("softplus", Tensor::softplus);
    anywhere.put("erf", Tensor::erf);
    anywhere.put("gelu", Tensor::gelu);
    anywhere.put("geluTanh", Tensor::geluTanh);
    anywhere.put("map", x -> x.map(v -> v * v * v, v -> 3 * v * v));
    anywhere.put("used twice", x -> x.mul(x).add(x).sub(x.div(x.square().add(1))));
    anywhere.forEach((name, f) -> checkUnary(name, f, false));

    Map<String, UnaryOperator<Tensor>> awayFromZero = new LinkedHashMap<>();
    awayFromZero.put("abs", Tensor::abs);
    awayFromZero.put("relu", Tensor::relu);
    awayFromZero.put("clamp", x -> x.clamp(-0.25, 0.25));
    awayFromZero.put("sqrt", x -> x.square().sqrt());
    awayFromZero.put("log", x -> x.square().log());
    awayFromZero.put("pow -1.5", x -> x.square().pow(-1.5));
    awayFromZero.forEach((name, f) -> checkUnary(name, f, true));
  }

  private void checkUnary(String name, UnaryOperator<Tensor> f, boolean awayFromZero) {
    for (int[] shape : SHAPES) {
      Tensor x = awayFromZero ? awayFromZero(shape) : Tensor.gaussian(random, shape);
      GradientCheck.check(name, p -> f.apply(p[0]), random, x);
    }
  }

  /// Magnitudes from 0.5 to 1.5: no step of the differences crosses a kink or a pole.
  private Tensor awayFromZero(int... shape) {
    double[] data = Tensor.uniform(0.5, 1.5, random, shape).toArray();
    for (int i = 0; i < data.length; i++) if (random.nextBoolean()) data[i] = -data[i];
    return Tensor.of(data, shape);
  }

  @Test
  void arithmetic_over_all_kinds_of_broadcasting() {
    Map<String, BinaryOperator<Tensor>> operations = new LinkedHashMap<>();
    operations.put("add", Tensor::add);
    operations.put("sub", Tensor::sub);
    operations.put("mul", Tensor::mul);
    operations.put("div", Tensor::div);
    operations.put("maximum", Tensor::maximum);
    operations.put("minimum", Tensor::minimum);
    operations.forEach((name, f) -> {
      for (int[][] shapes : BROADCASTS) {
        Tensor a = Tensor.gaussian(random, shapes[0]);
        Tensor b = awayFromZero(shapes[1]);
        GradientCheck.check(name, p -> f.apply(p[0], p[1]), random, a, b);
      }
    });
  }

  @Test
  void selection_by_masks() {
    for (int[][] shapes : BROADCASTS) {
      Tensor mask = mask(2, 1, 3, 1);
      GradientCheck.check(
          "where",
          p -> Tensor.where(mask, p[0], p[1]),
          random,
          Tensor.gaussian(random, 3, 1),
          Tensor.gaussian(random, 2, 1, 1, 2));
      int[] common = Shape.broadcast(shapes[0], shapes[1]);
      Tensor over = mask(shapes[1]);
      GradientCheck.check(
          "maskedFill", p -> p[0].maskedFill(over, 3), random, Tensor.gaussian(random, common));
    }
  }

  private Tensor mask(int... shape) {
    return Tensor.uniform(0, 1, random, shape).map(v -> v < 0.5 ? 0 : 1, v -> 0);
  }

  @Test
  void reductions_along_every_axis() {
    for (int[] shape : SHAPES) {
      Tensor x = Tensor.gaussian(random, shape);
      checkUnary("sum", Tensor::sum, x);
      checkUnary("mean", Tensor::mean, x);
      checkUnary("variance", Tensor::variance, x);
      checkUnary("max", Tensor::max, x);
      for (int at = -shape.length; at < shape.length; at++) {
        int axis = at;
        checkUnary("sum", t -> t.sum(axis), x);
        checkUnary("sum, dropped", t -> t.sum(axis, false), x);
        checkUnary("mean", t -> t.mean(axis), x);
        checkUnary("variance", t -> t.variance(axis), x);
        checkUnary("max", t -> t.max(axis), x);
        checkUnary("logSumExp", t -> t.logSumExp(axis), x);
        checkUnary("softmax", t -> t.softmax(axis), x);
        checkUnary("logSoftmax", t -> t.logSoftmax(axis), x);
      }
    }
    Tensor x = Tensor.gaussian(random, 2, 3, 2, 4);
    for (int[] axes : new int[][] {{0, 1}, {1, 2}, {0, 2}, {-1, 0}, {1, -1, 0}, {0, 1, 2, 3}}) {
      checkUnary("sum", t -> t.sum(axes), x);
      checkUnary("mean", t -> t.mean(axes), x);
      checkUnary("variance", t -> t.variance(axes), x);
    }
  }

  private void checkUnary(String name, UnaryOperator<Tensor> f, Tensor x) {
    GradientCheck.check(name, p -> f.apply(p[0]), random, x);
  }

  @Test
  void layout() {
    Tensor x = Tensor.gaussian(random, 2, 3, 4);
    checkUnary("reshape", t -> t.reshape(4, -1), x);
    checkUnary("transpose", t -> t.transpose(0, LAST), x);
    checkUnary("transpose", t -> t.transpose(-2, LAST), x);
    checkUnary("permute", t -> t.permute(2, 0, 1), x);
    checkUnary("permute", t -> t.permute(1, -3, 2), x);
    checkUnary("unsqueeze", t -> t.unsqueeze(LAST).unsqueeze(0).unsqueeze(2), x);
    checkUnary("squeeze", t -> t.slice(1, 1, 2).squeeze(1), x);
    checkUnary("broadcastTo", t -> t.broadcastTo(2, 2, 3, 4), x);
    checkUnary("broadcastTo", t -> t.reshape(2, 3, 1, 4).broadcastTo(2, 3, 3, 4), x);
    for (int axis = -3; axis < 3; axis++) {
      int at = axis;
      checkUnary("slice", t -> t.slice(at, 1, 2), x);
      checkUnary("slice", t -> t.slice(at, 0, 2), x);
      checkUnary("empty slice", t -> t.slice(at, 1, 1).sum().add(t.sum()), x);
      checkUnary("select", t -> t.select(at, 1), x);
      checkUnary("repeat", t -> t.repeat(at, 3), x);
      checkUnary("concat", t -> Tensor.concat(at, t, t.square(), t), x);
      checkUnary("stack", t -> Tensor.stack(at, t, t.square()), x);
    }
    GradientCheck.check(
        "concat",
        p -> Tensor.concat(1, p[0], p[1], p[2]),
        random,
        x,
        Tensor.gaussian(random, 2, 1, 4),
        Tensor.gaussian(random, 2, 2, 4));
    checkUnary("rows", t -> t.rows(1, 0, 1, 1), x);
    checkUnary("pick", t -> t.pick(3, 0, 1, 1, 2, 3), x);
    checkUnary("pad2d", t -> t.pad2d(1, 2, 3, 1), x);
  }

  @Test
  void products_over_all_kinds_of_batches() {
    int[][][] shapes = {
      {{2, 3}, {3, 4}},
      {{1, 1}, {1, 1}},
      {{2, 3, 4}, {4, 2}},
      {{2, 2, 3, 4}, {4, 2}},
      {{2, 2, 3, 4}, {1, 1, 4, 2}},
      {{3, 4}, {2, 4, 2}},
      {{2, 3, 4}, {2, 4, 2}},
      {{2, 1, 3, 2}, {3, 2, 2}},
      {{2, 3, 1, 2}, {2, 1, 2, 3}},
      {{1, 3, 2}, {2, 2, 2}},
    };
    for (int[][] pair : shapes) {
      Tensor a = Tensor.gaussian(random, pair[0]);
      Tensor b = Tensor.gaussian(random, pair[1]);
      Tensor bTransposed = b.transpose(-2, LAST);
      GradientCheck.check("matmul", p -> p[0].matmul(p[1]), random, a, b);
      GradientCheck.check(
          "matmulTransposed", p -> p[0].matmulTransposed(p[1]), random, a, bTransposed);
    }
    checkUnary("x·xᵀ", t -> t.matmulTransposed(t), Tensor.gaussian(random, 3, 2));
  }

  @Test
  void convolutions_and_resizing() {
    int[][] cases = { // kernel height, kernel width, stride, padding
      {1, 1, 1, 0},
      {3, 3, 1, 1},
      {3, 2, 2, 1},
      {2, 3, 3, 2},
      {3, 3, 2, 0},
      {1, 1, 2, 1},
      {4, 5, 1, 0}
    };
    for (int[] c : cases) {
      GradientCheck.check(
          "conv2d",
          p -> p[0].conv2d(p[1], p[2], c[2], c[3]),
          random,
          Tensor.gaussian(random, 2, 2, 4, 5),
          Tensor.gaussian(random, 3, 2, c[0], c[1]),
          Tensor.gaussian(random, 3));
    }
    Tensor x = Tensor.gaussian(random, 1, 2, 4, 6);
    checkUnary("upsampleNearest", t -> t.upsampleNearest(2), x);
    checkUnary("averagePool", t -> t.averagePool(2), x);
  }
}
