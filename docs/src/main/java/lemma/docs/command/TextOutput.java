package lemma.docs.command;

import java.io.PrintWriter;

/// A text as it comes. Whoever interrupts it gets a fresh line for the shell, and nothing of the text
/// on it.
final class TextOutput implements AutoCloseable {
  private final PrintWriter out;
  private final Thread hook = new Thread(this::interrupt);
  private boolean begun;
  private boolean interrupted;

  TextOutput(PrintWriter out) {
    this.out = out;
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /// Shows what is added; false if nobody is looking any more.
  synchronized boolean show(String added) {
    if (interrupted) return false;
    begun = true;
    out.print(added);
    out.flush();
    return true;
  }

  /// Ends the line at once: a step of the model may take long.
  synchronized void interrupt() {
    endLine();
    interrupted = true;
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      return; // the JVM is on its way out: the hook ends the line
    }
    endLine();
  }

  private synchronized void endLine() {
    if (interrupted || !begun) return; // whatever failed before the first token says so itself
    out.println();
    out.flush();
  }
}
