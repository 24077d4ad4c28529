package lemma.core.format;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/// Writes a file beside its place and then moves it there: a crash leaves the old file or the new
/// one, never half of either.
final class FileReplacement {
  private static final long CHUNK = 1L << 24;

  private FileReplacement() {}

  @FunctionalInterface
  interface Content {
    void writeTo(FileChannel channel) throws IOException;
  }

  static void write(Path file, Content content) throws IOException {
    Path temporary = file.resolveSibling(file.getFileName() + ".part");
    try {
      try (var channel =
          FileChannel.open(
              temporary,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        content.writeTo(channel);
      }
      Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  /// Writes all of a segment, however long.
  static void writeFully(FileChannel channel, MemorySegment bytes) throws IOException {
    for (long at = 0; at < bytes.byteSize(); at += CHUNK) {
      ByteBuffer piece = bytes.asSlice(at, Math.min(CHUNK, bytes.byteSize() - at)).asByteBuffer();
      while (piece.hasRemaining()) channel.write(piece);
    }
  }

  static void writeFully(FileChannel channel, byte[] bytes) throws IOException {
    writeFully(channel, MemorySegment.ofArray(bytes));
  }
}
