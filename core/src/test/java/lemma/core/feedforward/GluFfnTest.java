package lemma.core.feedforward;

import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.floats;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import lemma.core.activation.Activation;
import lemma.core.kernel.SwiGluKernel;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

@Proves("glu-ffn")
class GluFfnTest {
  private static final double FLOAT = 1e-6; // some roundings of 6e-8 each

  /// One form of the gate of SwiGLU.
  interface Gate {
    double[] apply(double[] gate, double[] up);
  }

  record NamedForm(String name, Gate form, double tolerance) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<NamedForm> forms() {
    return Stream.of(
        new NamedForm("formula", GluFfnTest::formula, 0),
        new NamedForm("scalar", kernel(new SwiGluKernel.Scalar()), FLOAT),
        new NamedForm("vectorised", kernel(new SwiGluKernel.Vectorised()), FLOAT),
        new NamedForm("nd4j", GluFfnTest::nd4j, FLOAT));
  }

  private static double[] formula(double[] gate, double[] up) {
    return Activation.Swish.SILU.apply(Tensor.vector(gate)).mul(Tensor.vector(up)).toArray();
  }

  private static Gate kernel(SwiGluKernel kernel) {
    return (gate, up) -> {
      float[] y = floats(gate);
      kernel.apply(y, floats(up), 0, y.length);
      return doubles(y);
    };
  }

  private static double[] nd4j(double[] gate, double[] up) {
    try (INDArray g = Nd4j.createFromArray(floats(gate));
        INDArray u = Nd4j.createFromArray(floats(up));
        INDArray y = new SwiGluNd4j().apply(g, u)) {
      return y.data().asDouble();
    }
  }

  private static Linear linear(int out, int in, RandomGenerator random) {
    return new Linear(Tensor.gaussian(random, out, in));
  }

  private static GluFfn layer(Activation activation, int dim, int hidden, RandomGenerator random) {
    return new GluFfn(
        activation,
        linear(hidden, dim, random),
        linear(hidden, dim, random),
        linear(dim, hidden, random));
  }

  @Claim("two-thirds")
  @Test
  void two_thirds_of_the_width_keep_the_parameters_of_a_plain_layer(Proof proof) {
    RandomGenerator random = random(1);
    var relu = new Activation.Relu();
    for (int dim : new int[] {48, 96, 100, 128}) {
      var plain = new FeedForward(relu, linear(4 * dim, dim, random), linear(dim, 4 * dim, random));
      var gated = layer(relu, dim, GluFfn.hiddenSize(dim, 1), random);
      double ratio = (double) gated.parameters() / plain.parameters();
      if (dim % 3 == 0) assertThat(gated.parameters()).isEqualTo(plain.parameters());
      // otherwise the width is rounded down by less than one, each worth 3·dim of 8·dim²
      proof.atMost("1 − parameters / those of the plain layer", 1 - ratio, 3.0 / (8 * dim));
      double full = layer(relu, dim, 4 * dim, random).parameters();
      assertThat(full / plain.parameters()).isEqualTo(1.5);
    }
  }

  @Claim("llama")
  @Test
  void rule_gives_the_widths_of_llama() {
    assertThat(GluFfn.hiddenSize(4096, 256)).isEqualTo(11008); // 7B
    assertThat(GluFfn.hiddenSize(5120, 256)).isEqualTo(13824); // 13B
    assertThat(GluFfn.hiddenSize(6656, 256)).isEqualTo(17920); // 30B
    assertThat(GluFfn.hiddenSize(8192, 256)).isEqualTo(22016); // 65B
  }

  @Claim("degree")
  @Test
  void scaling_the_input_scales_a_gated_output_by_the_square(Proof proof) {
    RandomGenerator random = random(2);
    Tensor x = Tensor.gaussian(random, 5, 8);
    var relu = new Activation.Relu();
    for (double scale : new double[] {0.1, 3, 100}) {
      for (Activation gate : new Activation[] {relu, new Activation.Identity()}) {
        GluFfn gated = layer(gate, 8, 12, random);
        proof.atMost(
            "relative gap to c²",
            relativeGap(
                gated.apply(x.mul(scale)).toArray(), gated.apply(x).mul(scale * scale).toArray()),
            1e-14);
      }
      var plain = new FeedForward(relu, linear(12, 8, random), linear(8, 12, random));
      proof.atMost(
          "relative gap of the plain layer to c",
          relativeGap(plain.apply(x.mul(scale)).toArray(), plain.apply(x).mul(scale).toArray()),
          1e-14);
    }
  }

  @Claim("gradient")
  @Test
  void gradient_of_the_open_path_is_the_gate_itself(Proof proof) {
    RandomGenerator random = random(3);
    Tensor gate = Tensor.gaussian(random, 100);
    for (Activation activation :
        new Activation[] {
          new Activation.Sigmoid(), Activation.Swish.SILU, new Activation.Identity()
        }) {
      Tensor up = Tensor.gaussian(random, 100).parameter();
      Tensor opening = activation.apply(gate);
      Tensor gradient = opening.mul(up).sum().backward().of(up);
      proof.atMost("max |Δ|", gap(gradient.toArray(), opening.toArray()), 0);
    }
  }

  @Claim("tokens")
  @Test
  void token_is_transformed_by_itself() {
    RandomGenerator random = random(4);
    GluFfn layer = layer(Activation.Swish.SILU, 6, 9, random);
    Tensor x = Tensor.gaussian(random, 2, 4, 6);
    Tensor together = layer.apply(x);
    assertThat(together.shape()).isEqualTo(x.shape());
    for (int b = 0; b < 2; b++)
      for (int t = 0; t < 4; t++)
        assertThat(layer.apply(x.select(0, b).slice(0, t, t + 1)).toArray())
            .isEqualTo(together.select(0, b).slice(0, t, t + 1).toArray());
  }

  @Claim("extremes")
  @ParameterizedTest
  @MethodSource("forms")
  void closed_gate_gives_zero_an_open_one_its_product_and_nan_is_not_hidden(NamedForm form) {
    double[] gate = {-1000, -200, 0, 200, 1e18, Double.NaN, 1};
    double[] up = {3, -2, 5, 2, 1e18, 1, Double.NaN};
    // as many numbers more as there are lanes, so that the lanes see the extremes too
    double[] y =
        form.form().apply(Arrays.copyOf(gate, gate.length + 64), Arrays.copyOf(up, up.length + 64));
    assertThat(Arrays.copyOf(y, 3)).usingComparatorWithPrecision(1e-30).containsExactly(0, 0, 0);
    assertThat(y[3]).isEqualTo(400);
    assertThat(y[4] / 1e36).isBetween(0.999999, 1.000001);
    assertThat(y[5]).isNaN();
    assertThat(y[6]).isNaN();
  }

  @Claim("agreement")
  @ParameterizedTest
  @MethodSource("forms")
  void every_form_of_the_gate_agrees_with_the_formula(NamedForm form, Proof proof) {
    RandomGenerator random = random(5);
    for (int count = 1; count <= 140; count++) { // below, at, above and beside the lanes
      double[] gate = doubles(floats(gaussian(count, random)));
      for (int i = 0; i < count; i++) gate[i] *= 8; // powers of two keep floats exact
      double[] up = doubles(floats(gaussian(count, random)));
      proof.atMost(
          "relative gap",
          relativeGap(form.form().apply(gate, up), formula(gate, up)),
          form.tolerance());
    }
  }

  @Claim("parity")
  @GoldenCases("core/glu-ffn")
  void equals_the_reference_implementation(GoldenCase golden, Proof proof) {
    Tensor x = golden.tensor("x");
    switch (golden.text("kind")) {
      case "ffn" -> {
        Activation activation =
            switch (golden.text("variant")) {
              case "glu" -> new Activation.Sigmoid();
              case "reglu" -> new Activation.Relu();
              case "geglu" -> new Activation.Gelu();
              case "geglu_tanh" -> new Activation.GeluTanh();
              case "swiglu" -> Activation.Swish.SILU;
              case "bilinear" -> new Activation.Identity();
              default -> throw new IllegalArgumentException(golden.text("variant"));
            };
        var layer =
            new GluFfn(
                activation, golden(golden, "gate"), golden(golden, "up"), golden(golden, "down"));
        golden.expect("y", layer.apply(x), proof);
        if (activation.equals(Activation.Swish.SILU))
          forms().forEach(form -> golden.expect("y", withGate(layer, form, x), proof));
      }
      case "half-split" -> golden.expect("y", GluFfn.ofHalves(x, golden.integer("axis")), proof);
      default -> throw new IllegalArgumentException(golden.text("kind"));
    }
  }

  private static Linear golden(GoldenCase golden, String name) {
    Tensor weight = golden.tensor("W_" + name);
    return golden.inputs().has("b_" + name)
        ? new Linear(weight, golden.tensor("b_" + name))
        : new Linear(weight);
  }

  private static Tensor withGate(GluFfn layer, NamedForm form, Tensor x) {
    Tensor gate = layer.gate().apply(x);
    double[] gated = form.form().apply(gate.toArray(), layer.up().apply(x).toArray());
    return layer.down().apply(Tensor.of(gated, gate.shape()));
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    RandomGenerator random = random(6);
    var relu = new Activation.Relu();
    Linear up = linear(6, 4, random);
    Linear down = linear(4, 6, random);
    GluFfn layer = new GluFfn(relu, up, up, down);
    Refusal.of(() -> layer.apply(Tensor.ones(2, 5)), "x", "4", "[2, 5]");
    Refusal.of(() -> new GluFfn(relu, linear(5, 4, random), up, down), "gate", "[5, 4]", "[6, 4]");
    Refusal.of(() -> new GluFfn(relu, up, up, up), "down", "[6, 4]");
    Refusal.of(() -> new FeedForward(relu, up, up), "down", "[6, 4]");
    Refusal.of(() -> new Linear(Tensor.ones(3)), "weight", "[3]");
    Refusal.of(() -> new Linear(Tensor.ones(3, 2), Tensor.ones(2)), "bias", "[3]", "[2]");
    Refusal.of(() -> GluFfn.ofHalves(Tensor.ones(2, 3), 1), "even", "[2, 3]");
    Refusal.of(() -> GluFfn.hiddenSize(0, 256), "dim", "0");
    Refusal.of(() -> GluFfn.hiddenSize(64, 0), "multipleOf", "0");
    Refusal.of(() -> GluFfn.hiddenSize(Integer.MAX_VALUE, 1), "width");
  }
}
