package lemma.core.tensor;

import lemma.core.kernel.Matrix;
import lemma.core.kernel.MatrixProduct;

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

    /// Whether there is a place for every pixel, in the same order.
    boolean keepsSize() {
      return stride == 1 && outWidth() == width && outHeight() == height;
    }

    int imageSize() {
      return channels * height * width;
    }
  }

  /// Images are taken together until they have as many places as this: a product of few columns
  /// would spend its time on preparing the weight.
  private static final int WORTH_A_PRODUCT = 288;

  /// A product of the weight `[out, c·kh·kw]` with the columns `[c·kh·kw, images·places]` of a few
  /// images at a time: `Y = W·X`, `dW = dY·Xᵀ`, `dX = Wᵀ·dY`. The columns are made again for the
  /// backward step, which costs less than to keep them.
  static Tensor conv2d(Tensor x, Tensor weight, int stride, int padding) {
    Window window = window(x, weight, stride, padding);
    int images = x.shape[0];
    int out = weight.shape[0];
    int places = window.places();
    int depth = window.depth();
    int[] shape = {images, out, window.outHeight(), window.outWidth()};
    double[] y = new double[Shape.count(shape)];
    if (y.length == 0 || depth == 0) return Node.result(y, shape, (g, into) -> {}, x, weight);
    int together = Math.clamp(WORTH_A_PRODUCT / places, 1, images);
    int row = Math.multiplyExact(together, places);
    Matrix w = Matrix.of(weight.data, out, depth);
    double[] columns = new double[Shape.count(depth, row)];
    double[] product = new double[Shape.count(out, row)];
    for (int first = 0; first < images; first += together) {
      int count = Math.min(together, images - first);
      gather(x.data, first, count, window, columns, row);
      MatrixProduct.multiply(
          w,
          part(columns, depth, count * places, row),
          part(product, out, count * places, row),
          false);
      for (int i = 0; i < count * out; i++) {
        int from = i % out * row + i / out * places;
        System.arraycopy(product, from, y, (first * out + i) * places, places);
      }
    }
    return Node.result(
        y, shape, (g, into) -> backward(g, into, x.data, w, window, images, together), x, weight);
  }

  private static void backward(
      double[] g, double[][] into, double[] x, Matrix w, Window window, int images, int together) {
    int out = w.rows();
    int depth = w.columns();
    int places = window.places();
    int row = together * places;
    double[] columns = new double[depth * row];
    double[] dColumns = new double[depth * row];
    double[] dProduct = new double[out * row];
    for (int first = 0; first < images; first += together) {
      int count = Math.min(together, images - first);
      for (int i = 0; i < count * out; i++) {
        int to = i % out * row + i / out * places;
        System.arraycopy(g, (first * out + i) * places, dProduct, to, places);
      }
      Matrix dY = part(dProduct, out, count * places, row);
      if (into[1] != null) {
        gather(x, first, count, window, columns, row);
        Matrix dW = Matrix.of(into[1], out, depth);
        MatrixProduct.multiply(
            dY, part(columns, depth, count * places, row).transposed(), dW, true);
      }
      if (into[0] != null) {
        Matrix dX = part(dColumns, depth, count * places, row);
        MatrixProduct.multiply(w.transposed(), dY, dX, false);
        scatter(dColumns, first, count, window, into[0], row);
      }
    }
  }

  /// The first columns of a matrix with rows of length `row`.
  private static Matrix part(double[] data, int rows, int columns, int row) {
    return new Matrix(data, 0, rows, columns, row, 1);
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
  /// out. If the convolution keeps the size of the image, all rows of a column are one line, which
  /// runs on past the edges: see [#clearEdges].
  private static void forEachLine(Window w, int rowLength, Line line) {
    int row = 0;
    for (int c = 0; c < w.channels; c++) {
      for (int kh = 0; kh < w.kernelHeight; kh++) {
        for (int kw = 0; kw < w.kernelWidth; kw++, row += rowLength) {
          if (w.keepsSize()) shiftedPlane(w, c, kh, kw, row, line);
          else rowsInside(w, c, kh, kw, row, line);
        }
      }
    }
  }

  private static void shiftedPlane(Window w, int c, int kh, int kw, int row, Line line) {
    int plane = w.places();
    int shift = (kh - w.padding) * w.width + kw - w.padding;
    int from = Math.max(0, -shift);
    int to = Math.min(plane, plane - shift);
    if (from < to) line.at(row + from, c * plane + from + shift, to - from);
  }

  private static void rowsInside(Window w, int c, int kh, int kw, int row, Line line) {
    int outWidth = w.outWidth();
    int shift = kw - w.padding; // column ox reads ox·stride + shift
    int from = shift < 0 ? (-shift + w.stride - 1) / w.stride : 0;
    int to = Math.min(outWidth, Math.floorDiv(w.width - 1 - shift, w.stride) + 1);
    if (from >= to) return;
    for (int oy = 0; oy < w.outHeight(); oy++) {
      int iy = oy * w.stride + kh - w.padding;
      if (iy < 0 || iy >= w.height) continue;
      line.at(
          row + oy * outWidth + from,
          (c * w.height + iy) * w.width + from * w.stride + shift,
          to - from);
    }
  }

  /// A plane that is shifted sideways as one line brings the end of one image row to the start of
  /// the next, where the padding belongs.
  private static void clearEdges(double[] columns, int start, Window w, int rowLength) {
    if (!w.keepsSize()) return;
    int row = start;
    for (int c = 0; c < w.channels * w.kernelHeight; c++) {
      for (int kw = 0; kw < w.kernelWidth; kw++, row += rowLength) {
        int shift = kw - w.padding;
        int from = Math.max(0, shift < 0 ? 0 : w.width - shift);
        int to = Math.min(w.width, shift < 0 ? -shift : w.width);
        for (int at = row; from < to && at < row + w.places(); at += w.width) {
          for (int ox = from; ox < to; ox++) columns[at + ox] = 0;
        }
      }
    }
  }

  /// im2col: the images under every place of the window, beside each other. Padding stays zero, as
  /// it is the same for every image.
  private static void gather(
      double[] x, int first, int count, Window w, double[] columns, int rowLength) {
    for (int i = 0; i < count; i++) {
      int at = (first + i) * w.imageSize();
      int start = i * w.places();
      if (w.stride == 1) {
        forEachLine(
            w,
            rowLength,
            (column, image, length) ->
                System.arraycopy(x, at + image, columns, start + column, length));
      } else {
        forEachLine(
            w,
            rowLength,
            (column, image, length) -> {
              for (int k = 0; k < length; k++) {
                columns[start + column + k] = x[at + image + k * w.stride];
              }
            });
      }
      clearEdges(columns, start, w, rowLength);
    }
  }

  /// col2im, its transpose: every place adds to the image under it.
  private static void scatter(
      double[] columns, int first, int count, Window w, double[] dx, int rowLength) {
    for (int i = 0; i < count; i++) {
      int at = (first + i) * w.imageSize();
      int start = i * w.places();
      clearEdges(columns, start, w, rowLength);
      if (w.stride == 1) {
        forEachLine(
            w,
            rowLength,
            (column, image, length) -> {
              for (int k = 0; k < length; k++) dx[at + image + k] += columns[start + column + k];
            });
      } else {
        forEachLine(
            w,
            rowLength,
            (column, image, length) -> {
              for (int k = 0; k < length; k++) {
                dx[at + image + k * w.stride] += columns[start + column + k];
              }
            });
      }
    }
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
