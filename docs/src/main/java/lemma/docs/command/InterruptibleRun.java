package lemma.docs.command;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/// Ctrl-C during a long run: the step in progress ends and its result is saved before the JVM goes.
///
/// ```
/// try (var run = new InterruptibleRun()) {
///   while (!run.interrupted()) step();
///   save();
/// }
/// ```
final class InterruptibleRun implements AutoCloseable {
  private static final int SECONDS_TO_SAVE = 120;

  private final AtomicBoolean interrupted = new AtomicBoolean();
  private final CountDownLatch ended = new CountDownLatch(1);

  InterruptibleRun() {
    Runtime.getRuntime().addShutdownHook(new Thread(this::interruptAndWait));
  }

  /// Whether the run should end after this step.
  boolean interrupted() {
    return interrupted.get();
  }

  /// Everything is saved: the JVM may go.
  @Override
  public void close() {
    ended.countDown();
  }

  private void interruptAndWait() {
    interrupted.set(true);
    try {
      boolean saved = ended.await(SECONDS_TO_SAVE, TimeUnit.SECONDS);
      if (!saved) System.err.println("the last step was not saved in time");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
