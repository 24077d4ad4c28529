package lemma.docs.command;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A table for the terminal: columns as wide as their cells, numbers to the right.
///
/// ```
/// new Table("scheduler", "steps").row("ddim", 50).row("heun", 18).toString()
/// ```
public final class Table {
  private static final String GAP = "  ";

  private final List<String[]> rows = new ArrayList<>();
  private final int columns;

  public Table(String... header) {
    columns = header.length;
    rows.add(header.clone());
  }

  /// Adds a row; a cell is shown by its `toString`, `null` as nothing.
  ///
  /// @throws IllegalArgumentException if there are more or fewer cells than columns
  public Table row(Object... cells) {
    if (cells.length != columns)
      throw new IllegalArgumentException(
          "cells must be " + columns + ", one a column, were " + cells.length);
    rows.add(
        Arrays.stream(cells)
            .map(cell -> cell == null ? "" : Failure.oneLine(cell.toString()))
            .toArray(String[]::new));
    return this;
  }

  @Override
  public String toString() {
    int[] widths = new int[columns];
    boolean[] numbers = new boolean[columns];
    for (int column = 0; column < columns; column++) {
      numbers[column] = rows.size() > 1;
      for (int row = 0; row < rows.size(); row++) {
        String cell = rows.get(row)[column];
        widths[column] = Math.max(widths[column], width(cell));
        if (row > 0) numbers[column] &= isNumber(cell);
      }
    }
    var text = new StringBuilder();
    for (int row = 0; row < rows.size(); row++) {
      var line = new StringBuilder();
      for (int column = 0; column < columns; column++) {
        String cell = rows.get(row)[column];
        String padding = " ".repeat(widths[column] - width(cell));
        if (row == 0) cell = Terminal.bold(cell);
        line.append(numbers[column] ? padding + cell : cell + padding);
        if (column < columns - 1) line.append(GAP);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  private static boolean isNumber(String cell) {
    return cell.isEmpty() || cell.matches("[−+-]?[0-9][0-9.,’_]*([eE][+-]?[0-9]+)?[%×x]?");
  }

  /// Columns that a text takes: an ideograph takes two, an escape sequence none.
  static int width(String text) {
    return text.replaceAll("\u001b\\[[0-9;]*m", "")
        .codePoints()
        .map(c -> c >= 0x1100 && (c <= 0x115f || c >= 0x2e80 && c <= 0xffef && c != 0x303f) ? 2 : 1)
        .sum();
  }
}
