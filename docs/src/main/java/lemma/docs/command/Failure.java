package lemma.docs.command;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import tools.jackson.core.JacksonException;

/// An exception as one line: what was wrong, where, and what was expected.
final class Failure {
  private Failure() {}

  static String explain(Throwable failure) {
    return oneLine(
        switch (failure) {
          case UncheckedIOException unchecked -> explain(unchecked.getCause());
          case NoSuchFileException missing -> missing.getFile() + ": no such file";
          case AccessDeniedException denied -> denied.getFile() + ": permission denied";
          case FileAlreadyExistsException existing -> existing.getFile() + ": exists already";
          case NotDirectoryException file -> file.getFile() + ": not a directory";
          case FileNotFoundException missing -> missing.getMessage();
          case FileSystemException other ->
              other.getFile()
                  + ": "
                  + (other.getReason() == null ? name(other) : other.getReason());
          case JacksonException syntax ->
              syntax.getOriginalMessage()
                  + (syntax.getLocation() == null
                      ? ""
                      : " at " + syntax.getLocation().offsetDescription());
          case IllegalArgumentException refused when refused.getMessage() != null ->
              refused.getMessage();
          case IOException io when io.getMessage() != null -> io.getMessage();
          case OutOfMemoryError memory ->
              "out of memory ("
                  + memory.getMessage()
                  + "): give the JVM more, JDK_JAVA_OPTIONS=-Xmx8g";
          default ->
              "unexpected %s: %s (--stacktrace shows where)"
                  .formatted(name(failure), failure.getMessage());
        });
  }

  /// A message on one line, whatever it was written on.
  static String oneLine(String message) {
    return message == null ? "no message" : message.strip().replaceAll("\\s*\\R\\s*", " ");
  }

  private static String name(Throwable failure) {
    return failure.getClass().getSimpleName();
  }
}
