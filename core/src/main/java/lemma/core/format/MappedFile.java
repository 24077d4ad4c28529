package lemma.core.format;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// A file as a segment of memory: pages come from disk when they are touched.
final class MappedFile {
  private MappedFile() {}

  /// Maps a whole file for reading, for as long as `arena` lives.
  ///
  /// @throws FormatException if there is no such file
  static MemorySegment map(Path file, Arena arena) throws IOException {
    if (Files.isDirectory(file)) throw new FormatException(file, "is a folder, not a file");
    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    } catch (NoSuchFileException e) {
      throw new FormatException(file, "no such file", e);
    }
  }
}
