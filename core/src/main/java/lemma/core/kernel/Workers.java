package lemma.core.kernel;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/// Threads that share out the rows of one loop after another, thousands of times a second.
///
/// A pool's queue costs more than many of these loops take, so the threads watch a counter, for a
/// short while actively, then parked. Nothing is allocated by [#run]. One loop runs at a time: a
/// caller that finds the threads busy does its loop alone.
///
/// The threads end with [#close], or when nobody holds this object any more.
public final class Workers implements AutoCloseable {
  private static final Cleaner CLEANER = Cleaner.create();

  /// Looks at the counter this often, some tens of microseconds, before a thread is parked.
  private static final int SPINS = 4096;

  /// A loop over `count` rows that may be done in pieces by several threads at once.
  public interface Loop {
    /// Does rows `from` to `to`, not included.
    void rows(int from, int to);
  }

  private final Shared shared;
  private final ReentrantLock turn = new ReentrantLock();
  private final Cleaner.Cleanable cleanable;

  /// The given number of threads; the one that calls [#run] is the first of them.
  ///
  /// @throws IllegalArgumentException if `threads` is not positive
  public Workers(int threads) {
    if (threads < 1) throw new IllegalArgumentException("threads must be positive, was " + threads);
    shared = new Shared(threads);
    cleanable = CLEANER.register(this, shared::stop);
  }

  /// The number of threads, the caller's among them.
  public int threads() {
    return shared.threads;
  }

  /// Does a loop of `count` rows in one piece a thread and returns when all are done. What the loop
  /// throws in any of them is thrown here.
  public void run(int count, Loop loop) {
    if (shared.threads == 1 || count < 2 || !turn.tryLock()) {
      loop.rows(0, count);
      return;
    }
    try {
      shared.run(count, loop);
    } finally {
      turn.unlock();
    }
  }

  /// Ends the threads; loops are then done by their callers alone.
  @Override
  public void close() {
    turn.lock(); // not in the middle of a loop
    try {
      cleanable.clean();
    } finally {
      turn.unlock();
    }
  }

  /// What the threads hold, apart from [Workers] itself so that it can be collected.
  private static final class Shared {
    final int threads;
    private final Thread[] helpers;
    private final AtomicInteger round = new AtomicInteger();
    private final AtomicInteger pending = new AtomicInteger();
    private volatile boolean stopped;
    private volatile Throwable failure;
    private Loop loop;
    private int count;

    Shared(int threads) {
      this.threads = threads;
      helpers = new Thread[threads - 1];
      for (int i = 0; i < helpers.length; i++) {
        int index = i + 1;
        helpers[i] =
            Thread.ofPlatform().daemon().name("lemma-worker-" + index).unstarted(() -> help(index));
      }
      for (Thread helper : helpers) helper.start();
    }

    void run(int count, Loop loop) {
      if (stopped) {
        loop.rows(0, count);
        return;
      }
      this.loop = loop;
      this.count = count;
      failure = null;
      pending.set(helpers.length);
      round.incrementAndGet(); // publishes the loop
      for (Thread helper : helpers) LockSupport.unpark(helper);
      piece(0);
      for (int spin = 1; pending.get() > 0; spin++)
        if (spin % SPINS != 0) Thread.onSpinWait();
        else Thread.yield();
      this.loop = null;
      if (failure != null) throw new IllegalStateException("a worker failed: " + failure, failure);
    }

    private void piece(int index) {
      try {
        int from = (int) ((long) count * index / threads);
        int to = (int) ((long) count * (index + 1) / threads);
        if (from < to) loop.rows(from, to);
      } catch (RuntimeException | Error e) {
        failure = e;
      }
    }

    private void help(int index) {
      int done = 0;
      while (!stopped) {
        for (int spin = 0; round.get() == done && !stopped; spin++)
          if (spin < SPINS) Thread.onSpinWait();
          else LockSupport.park(this);
        if (stopped) return;
        done++;
        piece(index);
        pending.decrementAndGet();
      }
    }

    void stop() {
      stopped = true;
      for (Thread helper : helpers) LockSupport.unpark(helper);
    }
  }
}
