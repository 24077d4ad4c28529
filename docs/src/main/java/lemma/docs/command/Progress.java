package lemma.docs.command;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/// A progress bar on stderr while long work goes on; nothing where stderr is no terminal.
///
/// ```
/// try (var progress = Progress.of("training", steps)) {
///   for (int step = 0; step < steps; step++) { …; progress.step("loss 1.23"); }
/// }
/// ```
public final class Progress implements AutoCloseable {
  private final ProgressBar bar;

  private Progress(ProgressBar bar) {
    this.bar = bar;
  }

  public static Progress of(String task, long steps) {
    if (!Terminal.drawable()) return new Progress(null);
    return new Progress(
        new ProgressBarBuilder()
            .setTaskName(task)
            .setInitialMax(steps)
            .setStyle(ProgressBarStyle.ASCII)
            .setUpdateIntervalMillis(100)
            .setConsumer(new ConsoleProgressBarConsumer(System.err, 78))
            .build());
  }

  public void step() {
    if (bar != null) bar.step();
  }

  /// One step further, with a word on how it goes.
  public void step(String message) {
    if (bar == null) return;
    bar.setExtraMessage(message);
    bar.step();
  }

  /// So many steps in all, with a word on how it goes.
  public void at(long steps, String message) {
    if (bar == null) return;
    bar.setExtraMessage(message);
    bar.stepTo(steps);
  }

  @Override
  public void close() {
    if (bar != null) bar.close();
  }
}
