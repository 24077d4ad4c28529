package lemma.docs.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// How a loss went, in a table beside the model: `step,loss,seconds`.
record LossCurve(List<Point> points) {
  private static final String HEADER = "step,loss,seconds";

  /// @param loss mean of the steps since the point before
  /// @param seconds of training up to here
  record Point(long step, double loss, double seconds) {}

  LossCurve {
    points = List.copyOf(points);
  }

  Point last() {
    return points.getLast();
  }

  double seconds() {
    return points.isEmpty() ? 0 : last().seconds();
  }

  LossCurve with(Point point) {
    List<Point> more = new ArrayList<>(points);
    more.add(point);
    return new LossCurve(more);
  }

  /// The points up to a step; none if there is no file.
  ///
  /// @throws IllegalArgumentException if a line is not one of ours
  static LossCurve read(Path file, long step) throws IOException {
    List<Point> points = new ArrayList<>();
    if (!Files.exists(file)) return new LossCurve(points);
    for (String line : Files.readAllLines(file)) {
      if (line.equals(HEADER)) continue;
      String[] cells = line.split(",");
      try {
        var point =
            new Point(
                Long.parseLong(cells[0]),
                Double.parseDouble(cells[1]),
                Double.parseDouble(cells[2]));
        if (point.step() <= step) points.add(point);
      } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
        throw new IllegalArgumentException(
            "%s: expected %s, was \"%s\"".formatted(file, HEADER, line), e);
      }
    }
    return new LossCurve(points);
  }

  void write(Path file) throws IOException {
    StringBuilder text = new StringBuilder(HEADER).append('\n');
    for (Point point : points) {
      text.append(
          String.format(
              Locale.ROOT, "%d,%.5f,%.0f%n", point.step(), point.loss(), point.seconds()));
    }
    Path temporary = file.resolveSibling(file.getFileName() + ".part");
    Files.writeString(temporary, text);
    Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
  }

  /// About so many rows of a Markdown table, the last point always among them.
  String table(int rows) {
    StringBuilder text = new StringBuilder("| step | loss | minutes |\n|---|---|---|\n");
    int every = Math.max(1, points.size() / rows);
    for (int i = 0; i < points.size(); i++) {
      Point point = points.get(i);
      if ((i + 1) % every != 0 && point != last()) continue;
      text.append(
          String.format(
              Locale.ROOT,
              "| %d | %.4f | %.1f |%n",
              point.step(),
              point.loss(),
              point.seconds() / 60));
    }
    return text.toString();
  }
}
