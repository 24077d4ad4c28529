package lemma.core.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/// Convolution and resizing against their definitions, element by element.
@DisplayNameGeneration(ReplaceUnderscores.class)
class ConvolutionTest {
  private final RandomGenerator random = RandomGeneratorFactory.of("Xoshiro256PlusPlus").create(21);

  @Test
  void convolution_is_a_sum_over_the_window_with_zeros_outside() {
    for (int trial = 0; trial < 60; trial++) {
      int padding = random.nextInt(4);
      int stride = random.nextInt(1, 4);
      int height = random.nextInt(1, 7);
      int width = random.nextInt(1, 7);
      int kernelHeight = random.nextInt(1, height + 2 * padding + 1);
      int kernelWidth = random.nextInt(1, width + 2 * padding + 1);
      Tensor x = Tensor.gaussian(random, 2, 3, height, width);
      Tensor weight = Tensor.gaussian(random, 4, 3, kernelHeight, kernelWidth);
      Tensor bias = Tensor.gaussian(random, 4);
      Tensor y = x.conv2d(weight, bias, stride, padding);
      assertThat(y.shape())
          .containsExactly(
              2,
              4,
              (height + 2 * padding - kernelHeight) / stride + 1,
              (width + 2 * padding - kernelWidth) / stride + 1);
      Tensor padded = x.pad2d(padding, padding, padding, padding);
      for (int n = 0; n < 2; n++) {
        for (int o = 0; o < 4; o++) {
          for (int i = 0; i < y.size(2); i++) {
            for (int j = 0; j < y.size(3); j++) {
              double sum = bias.get(o);
              for (int c = 0; c < 3; c++) {
                for (int p = 0; p < kernelHeight; p++) {
                  for (int q = 0; q < kernelWidth; q++) {
                    sum +=
                        weight.get(o, c, p, q) * padded.get(n, c, i * stride + p, j * stride + q);
                  }
                }
              }
              // up to 500 terms of about one: roundings of 1e-16 times their partial sums
              assertThat(y.get(n, o, i, j)).isCloseTo(sum, within(1e-12));
            }
          }
        }
      }
    }
  }

  @Test
  void an_image_is_convolved_alike_alone_and_among_others() {
    for (int padding : new int[] {0, 1}) { // 25 or 9 places: a batch is taken in several groups
      Tensor x = Tensor.gaussian(random, 45, 3, 5, 5).parameter();
      Tensor weight = Tensor.gaussian(random, 4, 3, 3, 3).parameter();
      Tensor y = x.conv2d(weight, 1, padding);
      Tensor seed = Tensor.gaussian(random, y.shape());
      Gradients together = y.backward(seed);
      Gradients sum = null;
      for (int n = 0; n < 45; n++) {
        Tensor alone = x.detach().slice(0, n, n + 1).parameter();
        Tensor yAlone = alone.conv2d(weight, 1, padding);
        Gradients gradients = yAlone.backward(seed.slice(0, n, n + 1));
        assertThat(yAlone.toArray()).isEqualTo(y.slice(0, n, n + 1).toArray());
        assertThat(gradients.of(alone).toArray())
            .isEqualTo(together.of(x).slice(0, n, n + 1).toArray());
        sum = sum == null ? gradients : sum.plus(gradients);
      }
      assertThat(together.of(weight).toArray()) // 45·25 terms of about one, in another grouping
          .usingComparatorWithPrecision(1e-11)
          .containsExactly(sum.of(weight).toArray());
    }
  }

  @Test
  void upsampling_repeats_pixels_and_average_pooling_takes_them_back() {
    Tensor x = Tensor.gaussian(random, 2, 3, 4, 5);
    Tensor up = x.upsampleNearest(3);
    assertThat(up.shape()).containsExactly(2, 3, 12, 15);
    for (int i = 0; i < 12; i++) {
      for (int j = 0; j < 15; j++) {
        assertThat(up.get(1, 2, i, j)).isEqualTo(x.get(1, 2, i / 3, j / 3));
      }
    }
    assertThat(up.averagePool(3).toArray())
        .usingComparatorWithPrecision(1e-15)
        .containsExactly(x.toArray());
    Tensor pooled = Tensor.of(new double[][] {{1, 2, 3, 4}, {5, 6, 7, 8}}).averagePool(2);
    assertThat(pooled.shape()).containsExactly(1, 2);
    assertThat(pooled.toArray()).containsExactly(3.5, 5.5);
  }

  @Test
  void images_and_kernels_that_do_not_match_are_refused_with_their_shapes() {
    Tensor x = Tensor.zeros(1, 3, 4, 4);
    assertRefused(() -> x.conv2d(Tensor.zeros(2, 4, 3, 3), 1, 0), "[1, 3, 4, 4]", "[2, 4, 3, 3]");
    assertRefused(() -> x.conv2d(Tensor.zeros(3, 3), 1, 0), "[1, 3, 4, 4]", "[3, 3]");
    assertRefused(() -> x.conv2d(Tensor.zeros(2, 3, 7, 7), 1, 1), "[2, 3, 7, 7]", "padding 1");
    assertRefused(() -> x.conv2d(Tensor.zeros(2, 3, 3, 3), 0, 0), "stride 0");
    assertRefused(() -> x.conv2d(Tensor.zeros(2, 3, 3, 3), 1, -1), "padding -1");
    assertRefused(
        () -> x.conv2d(Tensor.zeros(2, 3, 3, 3), Tensor.zeros(3), 1, 1), "[3]", "[2, 3, 3, 3]");
    assertRefused(() -> x.averagePool(3), "[1, 3, 4, 4]", "factor 3");
    assertRefused(() -> x.upsampleNearest(0), "factor 0");
  }

  private static void assertRefused(Runnable action, String... parts) {
    assertThatThrownBy(action::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }
}
