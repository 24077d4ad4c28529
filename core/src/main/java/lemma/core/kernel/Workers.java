package lemma.core.kernel;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/// Threads that share out the rows of one loop after another, thousands of times a second.
///
/// A pool's queue costs more than many of these loops take, so the threads watch a counter, for a
/// short while actively, then parked. They take rows piece by piece: a thread that the machine gives
/// no time to delays nobody, the others take its share. Nothing is allocated by [#run]. One loop runs
/// at a time: a caller that finds the threads busy does its loop alone.
///
/// The threads end with [#close], or when nobody holds this object any more.
public final class Workers implements AutoCloseable {
  private static final Cleaner CLEANER = Cleaner.create();

  /// Looks at the counter this often, some tens of microseconds, before a thread is parked.
  private static final int SPINS = 2048;

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

  /// Does a loop of `count` rows and returns when all are done. What it throws in any thread is thrown
  /// here, as the cause of an `IllegalStateException` if there are several.
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
    private static final int PIECES = 4; // for each thread
    private static final int CLOSED = Integer.MAX_VALUE;

    final int threads;
    private final Thread[] helpers;

    /// The number of the loop in the upper half, the next row to take in the lower. A thread takes
    /// rows by moving it; that fails if another was faster or the loop is over, so what a thread has
    /// read of a loop is of the loop whose rows it takes.
    private final AtomicLong ticket = new AtomicLong(CLOSED);

    private final AtomicInteger done = new AtomicInteger(); // rows
    private volatile Loop loop;
    private volatile int count;
    private volatile int piece;
    private volatile Throwable failure;
    private volatile boolean stopped;

    Shared(int threads) {
      this.threads = threads;
      helpers = new Thread[threads - 1];
      for (int i = 0; i < helpers.length; i++)
        helpers[i] = Thread.ofPlatform().daemon().name("lemma-worker-" + i).unstarted(this::help);
      for (Thread helper : helpers) helper.start();
    }

    void run(int rows, Loop work) {
      if (stopped) {
        work.rows(0, rows);
        return;
      }
      long number = (ticket.get() >>> 32) + 1; // closed since the loop before
      loop = work;
      count = rows;
      piece = Math.ceilDiv(rows, threads * PIECES);
      failure = null;
      done.set(0);
      ticket.set(number << 32);
      for (Thread helper : helpers) LockSupport.unpark(helper);
      while (takePiece()) {}
      for (int spin = 1; done.get() < rows; spin++) // pieces that others have taken
      if (spin % SPINS != 0) Thread.onSpinWait();
        else Thread.yield();
      ticket.set(number << 32 | CLOSED);
      loop = null;
      if (failure != null) throw new IllegalStateException("a worker failed: " + failure, failure);
    }

    /// Takes the next rows and does them; whether there were any.
    private boolean takePiece() {
      long now = ticket.get();
      int from = (int) now;
      int rows = count;
      int to = (int) Math.min(rows, (long) from + piece);
      Loop work = loop;
      if (from >= rows || work == null) return false;
      if (!ticket.compareAndSet(now, now - from + to)) return true; // look again
      try {
        work.rows(from, to);
      } catch (RuntimeException | Error e) {
        failure = e;
      } finally {
        done.addAndGet(to - from);
      }
      return true;
    }

    private void help() {
      for (int idle = 0; !stopped; )
        if (takePiece()) idle = 0;
        else if (++idle < SPINS) Thread.onSpinWait();
        else {
          LockSupport.park(this);
          idle = 0;
        }
    }

    void stop() {
      stopped = true;
      for (Thread helper : helpers) LockSupport.unpark(helper);
    }
  }
}
