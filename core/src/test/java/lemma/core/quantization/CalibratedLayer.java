package lemma.core.quantization;

import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;

/// A linear layer and inputs such as layers of language models meet: features are correlated, and a
/// few have much larger values than the rest. Half of the inputs calibrate, half are kept back.
record CalibratedLayer(Tensor weight, Tensor calibration, Tensor fresh) {
  private static final int SAMPLES = 256;

  CalibratedLayer(int in, int out, RandomGenerator random) {
    this(Tensor.gaussian(random, out, in).mul(0.1), inputs(in, random));
  }

  private CalibratedLayer(Tensor weight, Tensor inputs) {
    this(weight, inputs.slice(0, 0, SAMPLES), inputs.slice(0, SAMPLES, 2 * SAMPLES));
  }

  private static Tensor inputs(int in, RandomGenerator random) {
    Tensor mixing = Tensor.gaussian(random, in / 4, in); // fewer causes than features
    Tensor common = Tensor.gaussian(random, 2 * SAMPLES, in / 4).matmul(mixing);
    Tensor own = Tensor.gaussian(random, 2 * SAMPLES, in);
    Tensor sizes = Tensor.gaussian(random, in).exp();
    return common.mul(1 / Math.sqrt(in / 4.0)).add(own.mul(0.5)).mul(sizes);
  }

  double error(Tensor rounded, Tensor inputs) {
    return GroupQuantiser.outputError(weight, rounded, inputs);
  }
}
