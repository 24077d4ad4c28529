package lemma.docs.command;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// How the loss went, in a table that is kept beside the model.
record TrainLmCurve(List<Point> points) {
  private static final String HEADER = "step,training loss,held-out loss,seconds";

  /// @param training mean loss of the steps since the point before, with dropout
  /// @param heldOut loss of the held-out stories, with the averaged weights
  /// @param seconds of training up to here
  record Point(long step, double training, double heldOut, double seconds) {}

  TrainLmCurve {
    points = List.copyOf(points);
  }

  static TrainLmCurve empty() {
    return new TrainLmCurve(List.of());
  }

  boolean isEmpty() {
    return points.isEmpty();
  }

  Point last() {
    return points.getLast();
  }

  /// One point more.
  ///
  /// @param seconds since the point before
  TrainLmCurve with(long step, double training, double heldOut, double seconds) {
    List<Point> more = new ArrayList<>(points);
    more.add(new Point(step, training, heldOut, seconds + (isEmpty() ? 0 : last().seconds())));
    return new TrainLmCurve(more);
  }

  /// The points up to a step; none if there is no file.
  static TrainLmCurve read(Path file, long step) throws IOException {
    if (!Files.exists(file)) return empty();
    List<Point> points = new ArrayList<>();
    List<String> lines = Files.readAllLines(file);
    for (String line : lines.subList(1, lines.size())) {
      String[] cells = line.split(",");
      if (cells.length != 4)
        throw new IllegalArgumentException(file + ": not a line of four: " + line);
      Point point =
          new Point(
              Long.parseLong(cells[0]),
              Double.parseDouble(cells[1]),
              Double.parseDouble(cells[2]),
              Double.parseDouble(cells[3]));
      if (point.step() <= step) points.add(point);
    }
    return new TrainLmCurve(points);
  }

  void write(Path file) {
    StringBuilder text = new StringBuilder(HEADER).append('\n');
    for (Point point : points)
      text.append(
          String.format(
              Locale.ROOT,
              "%d,%.4f,%.4f,%.0f%n",
              point.step(),
              point.training(),
              point.heldOut(),
              point.seconds()));
    try {
      Path temporary = file.resolveSibling(file.getFileName() + ".part");
      Files.writeString(temporary, text);
      Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
