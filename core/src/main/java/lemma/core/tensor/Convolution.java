package lemma.core.tensor;

import java.util.Arrays;
import lemma.core.kernel.Matrix;

/// Operations on images `[n, channels, height, width]`.
final class Convolution {
  private Convolution() {}

  /// Sizes of one convolution; `outHeight` and `outWidth` count the places of the window.
  private record Window(
      int channels,
      int height,
      int width,
      int kernelHeight,
      int kernelWidth,
      int stride,
      int padding) {
    int outHeight() {
      return (height + 2 * padding - kernelHeight) / stride + 1;
    }

    int outWidth() {
      return (width + 2 * padding - kernelWidth) / stride + 1;
    }

    int places() {
      return outHeight() * outWidth();
    }

    int depth() {
      return channels * kernelHeight * kernelWidth;
    }

    int imageSize() {
      return channels * height * width;
    }
  }

  /// A product of the weight `[out, c·kh·kw]` with the columns `[c·kh·kw, places]` of each image:
  /// `Y = W·X`, `dW = dY·Xᵀ`, `dX = Wᵀ·dY`. The columns are made again for the backward step, which
  /// costs less than to keep them.
  static Tensor conv2d(Tensor x, Tensor weight, int stride, int padding) {
    Window window = window(x, weight, stride, padding);
    int images = x.shape[0];
    int out = weight.shape[0];
    int places = window.places();
    int depth = window.depth();
    int[] shape = {images, out, window.outHeight(), window.outWidth()};
    Matrix w = Matrix.of(weight.data, out, depth);
    double[] y = new double[Shape.count(shape)];
    double[] scratch = new double[Shape.count(depth, places)];
    for (int image = 0; image < images; image++) {
      gather(x.data, image * window.imageSize(), window, scratch);
      Matrix columns = Matrix.of(scratch, depth, places);
      Product.multiply(w, columns, Matrix.of(y, image * out * places, out, places));
    }
    return Node.result(
        y,
        shape,
        (g, into) -> {
          Matrix columns = Matrix.of(new double[depth * places], depth, places);
          Matrix dColumns = Matrix.of(new double[depth * places], depth, places);
          for (int image = 0; image < images; image++) {
            Matrix dY = Matrix.of(g, image * out * places, out, places);
            int at = image * window.imageSize();
            if (into[1] != null) {
              gather(x.data, at, window, columns.data());
              Product.multiply(dY, columns.transposed(), Matrix.of(into[1], out, depth));
            }
            if (into[0] != null) {
              Arrays.fill(dColumns.data(), 0);
              Product.multiply(w.transposed(), dY, dColumns);
              scatter(dColumns.data(), window, into[0], at);
            }
          }
        },
        x,
        weight);
  }

  static Tensor conv2d(Tensor x, Tensor weight, Tensor bias, int stride, int padding) {
    Tensor y = conv2d(x, weight, stride, padding);
    if (bias.shape.length != 1 || bias.shape[0] != weight.shape[0]) {
      throw new IllegalArgumentException(
          "bias "
              + Shape.text(bias.shape)
              + " and weight "
              + Shape.text(weight.shape)
              + ": expected one bias for each output channel");
    }
    return y.add(bias.reshape(-1, 1, 1));
  }

  private static Window window(Tensor x, Tensor weight, int stride, int padding) {
    String shapes = "x " + Shape.text(x.shape) + " and weight " + Shape.text(weight.shape);
    if (x.shape.length != 4 || weight.shape.length != 4 || x.shape[1] != weight.shape[1]) {
      throw new IllegalArgumentException(
          shapes
              + ": expected [n, channels, height, width] and [out, channels, kernelHeight,"
              + " kernelWidth]");
    }
    if (stride < 1 || padding < 0) {
      throw new IllegalArgumentException(
          "stride " + stride + " must be positive and padding " + padding + " not negative");
    }
    Window window =
        new Window(
            x.shape[1], x.shape[2], x.shape[3], weight.shape[2], weight.shape[3], stride, padding);
    if (window.kernelHeight < 1
        || window.kernelWidth < 1
        || window.kernelHeight > window.height + 2 * padding
        || window.kernelWidth > window.width + 2 * padding) {
      throw new IllegalArgumentException(
          shapes + ": the kernel does not fit into the image with padding " + padding);
    }
    return window;
  }

  /// What to do with `length` neighbouring places: `column` counts in the columns, `image` in the
  /// image, where neighbours are `stride` apart.
  private interface Line {
    void at(int column, int image, int length);
  }

  /// Visits each row of each column that lies inside of the image; what lies in the padding is left
  /// out.
  private static void forEachLine(Window w, Line line) {
    int outHeight = w.outHeight();
    int outWidth = w.outWidth();
    int row = 0;
    for (int c = 0; c < w.channels; c++) {
      for (int kh = 0; kh < w.kernelHeight; kh++) {
        for (int kw = 0; kw < w.kernelWidth; kw++, row++) {
          int shift = kw - w.padding; // column ox reads ox·stride + shift
          int from = shift < 0 ? (-shift + w.stride - 1) / w.stride : 0;
          int to = Math.min(outWidth, Math.floorDiv(w.width - 1 - shift, w.stride) + 1);
          if (from >= to) continue;
          for (int oy = 0; oy < outHeight; oy++) {
            int iy = oy * w.stride + kh - w.padding;
            if (iy < 0 || iy >= w.height) continue;
            line.at(
                (row * outHeight + oy) * outWidth + from,
                (c * w.height + iy) * w.width + from * w.stride + shift,
                to - from);
          }
        }
      }
    }
  }

  /// im2col: the image under every place of the window. Padding stays zero, as it is the same for
  /// every image.
  private static void gather(double[] x, int at, Window w, double[] columns) {
    forEachLine(
        w,
        (column, image, length) -> {
          for (int i = 0; i < length; i++) columns[column + i] = x[at + image + i * w.stride];
        });
  }

  /// col2im, its transpose: every place adds to the image under it.
  private static void scatter(double[] columns, Window w, double[] dx, int at) {
    forEachLine(
        w,
        (column, image, length) -> {
          for (int i = 0; i < length; i++) dx[at + image + i * w.stride] += columns[column + i];
        });
  }

  /// Each pixel of the last two axes becomes a square of `factor` by `factor`.
  static Tensor upsampleNearest(Tensor x, int factor) {
    checkFactor(x, factor, false);
    int height = x.size(-2);
    int width = x.size(-1);
    return x.reshape(leading(x), height, 1, width, 1)
        .broadcastTo(leading(x), height, factor, width, factor)
        .reshape(resized(x, height * factor, width * factor));
  }

  /// The mean of every square of `factor` by `factor`.
  static Tensor averagePool(Tensor x, int factor) {
    checkFactor(x, factor, true);
    int height = x.size(-2) / factor;
    int width = x.size(-1) / factor;
    return x.reshape(leading(x), height, factor, width, factor)
        .mean(2, 4)
        .reshape(resized(x, height, width));
  }

  private static int leading(Tensor x) {
    return Shape.product(x.shape, 0, x.shape.length - 2);
  }

  private static int[] resized(Tensor x, int height, int width) {
    return Shape.with(Shape.with(x.shape, x.shape.length - 2, height), x.shape.length - 1, width);
  }

  private static void checkFactor(Tensor x, int factor, boolean divides) {
    if (x.shape.length < 2
        || factor < 1
        || divides && (x.size(-2) % factor != 0 || x.size(-1) % factor != 0)) {
      throw new IllegalArgumentException(
          "x "
              + Shape.text(x.shape)
              + " and factor "
              + factor
              + ": expected rank 2 or more and a"
              + " positive factor"
              + (divides ? " that divides height and width" : ""));
    }
  }
}
