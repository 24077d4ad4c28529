package lemma.core.kernel;

/// A rectangle of numbers inside an array, read with two strides; it copies nothing.
///
/// ```
/// X[i, j] = data[offset + i · rowStride + j · columnStride]     0 ≤ i < rows, 0 ≤ j < columns
/// ```
///
/// A transpose, a slice of rows or one head of a batch is another view of the same array. The array
/// is shared, never copied. A stride of 0 repeats a row or a column. A view that would leave its
/// array is refused with `IllegalArgumentException`.
public record Matrix(
    double[] data, int offset, int rows, int columns, int rowStride, int columnStride) {

  public Matrix {
    if (rows < 0 || columns < 0) {
      throw new IllegalArgumentException(
          "matrix [" + rows + ", " + columns + "]: rows and columns must not be negative");
    }
    if (offset < 0 || rowStride < 0 || columnStride < 0) {
      throw new IllegalArgumentException(
          "matrix [%d, %d] with offset %d and strides (%d, %d): none may be negative"
              .formatted(rows, columns, offset, rowStride, columnStride));
    }
    boolean empty = rows == 0 || columns == 0;
    // Each product stays below 2^62; each is checked against the array before they are added.
    long lastRow = empty ? 0 : (rows - 1L) * rowStride;
    long lastColumn = empty ? 0 : (columns - 1L) * columnStride;
    long room = (long) data.length - offset - (empty ? 0 : 1);
    if (room < 0 || lastRow > room || lastColumn > room - lastRow) {
      throw new IllegalArgumentException(
          "matrix [%d, %d] with offset %d and strides (%d, %d) does not fit an array of length %d"
              .formatted(rows, columns, offset, rowStride, columnStride, data.length));
    }
  }

  /// The whole or the beginning of an array, row after row.
  public static Matrix of(double[] data, int rows, int columns) {
    return of(data, 0, rows, columns);
  }

  /// `rows × columns` numbers from `offset` on, row after row.
  public static Matrix of(double[] data, int offset, int rows, int columns) {
    return new Matrix(data, offset, rows, columns, columns, 1);
  }

  /// The same numbers with rows and columns exchanged: `Xᵀ[i, j] = X[j, i]`.
  public Matrix transposed() {
    return new Matrix(data, offset, columns, rows, columnStride, rowStride);
  }

  /// The part of `height × width` numbers whose first is `X[row, column]`.
  public Matrix part(int row, int column, int height, int width) {
    if (row < 0
        || column < 0
        || height < 0
        || width < 0
        || row > rows - height
        || column > columns - width) {
      throw new IllegalArgumentException(
          "part [%d, %d] at (%d, %d) leaves the matrix [%d, %d]"
              .formatted(height, width, row, column, rows, columns));
    }
    boolean empty = height == 0 || width == 0;
    int start = empty ? offset : offset + row * rowStride + column * columnStride;
    return new Matrix(data, start, height, width, rowStride, columnStride);
  }
}
