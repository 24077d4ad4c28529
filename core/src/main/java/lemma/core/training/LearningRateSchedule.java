package lemma.core.training;

/// The learning rate of each step: a warm-up that grows linearly from zero, then a shape.
///
/// ```
/// η(s) = peak · s / warmup             while s < warmup
/// η(s) = peak · shape(s)               afterwards
/// ```
///
/// `s` counts the steps already made, as a scheduler of torch does: the first step uses η(0), which
/// is 0 if there is a warm-up. `total` includes the warm-up. In the formulas of the records,
/// p = (s − warmup) / (total − warmup).
///
/// Goyal et al. 2017, section 2.2, arXiv:1706.02677 (warm-up). Answer: `training/optimisation.md`.
public sealed interface LearningRateSchedule {

  /// The largest rate, which the warm-up ends at.
  double peak();

  /// Steps of the warm-up; 0 for none.
  long warmup();

  /// What the peak is multiplied by after the warm-up.
  double shape(long step);

  /// The rate after `step` steps.
  ///
  /// @throws IllegalArgumentException if `step` is negative
  default double at(long step) {
    if (step < 0) throw new IllegalArgumentException("step must be 0 or more, was " + step);
    return peak() * (step < warmup() ? (double) step / warmup() : shape(step));
  }

  /// 1.
  record Constant(double peak, long warmup) implements LearningRateSchedule {
    public Constant {
      check(peak, warmup);
    }

    /// Without warm-up.
    public Constant(double peak) {
      this(peak, 0);
    }

    @Override
    public double shape(long step) {
      return 1;
    }
  }

  /// max(0, 1 − p).
  record Linear(double peak, long warmup, long total) implements LearningRateSchedule {
    public Linear {
      check(peak, warmup);
      check(warmup, total);
    }

    @Override
    public double shape(long step) {
      return Math.max(0, (total - step) / (double) Math.max(1, total - warmup));
    }
  }

  /// floor + (1 − floor) · ½(1 + cos(2π·cycles·p)); half a cycle ends at the floor. Past `total` the
  /// curve goes on, and rises again.
  ///
  /// Loshchilov & Hutter 2017, eq. 5, arXiv:1608.03983.
  ///
  /// @param floor the smallest rate, as a share of the peak
  record Cosine(double peak, long warmup, long total, double cycles, double floor)
      implements LearningRateSchedule {
    public Cosine {
      check(peak, warmup);
      check(warmup, total);
      share("floor", floor);
      if (!(cycles > 0))
        throw new IllegalArgumentException("cycles must be positive, was " + cycles);
    }

    /// Half a cycle, down to zero.
    public Cosine(double peak, long warmup, long total) {
      this(peak, warmup, total, 0.5, 0);
    }

    /// Half a cycle, down to a share of the peak.
    public static Cosine toFloor(double peak, long warmup, long total, double floor) {
      return new Cosine(peak, warmup, total, 0.5, floor);
    }

    @Override
    public double shape(long step) {
      double wave = Math.cos(2 * Math.PI * cycles * progress(step, warmup, total));
      return floor + (1 - floor) * Math.max(0, 0.5 * (1 + wave));
    }
  }

  /// ½(1 + cos(π·(cycles·p mod 1))): falls to zero `cycles` times; 0 from `total` on.
  record CosineRestarts(double peak, long warmup, long total, double cycles)
      implements LearningRateSchedule {
    public CosineRestarts {
      check(peak, warmup);
      check(warmup, total);
      if (!(cycles > 0))
        throw new IllegalArgumentException("cycles must be positive, was " + cycles);
    }

    @Override
    public double shape(long step) {
      double p = progress(step, warmup, total);
      return p >= 1 ? 0 : 0.5 * (1 + Math.cos(Math.PI * (cycles * p % 1)));
    }
  }

  /// end/peak + (1 − end/peak)·(1 − p)^power; `end` past `total`.
  ///
  /// @param end the last rate itself, not a share
  record Polynomial(double peak, long warmup, long total, double end, double power)
      implements LearningRateSchedule {
    public Polynomial {
      check(peak, warmup);
      check(warmup, total);
      if (!(end >= 0 && end <= peak))
        throw new IllegalArgumentException("end must be in [0, " + peak + "], was " + end);
      if (!(power > 0)) throw new IllegalArgumentException("power must be positive, was " + power);
    }

    @Override
    public double shape(long step) {
      if (step > total) return end / peak;
      double remaining = 1 - progress(step, warmup, total);
      return ((peak - end) * Math.pow(remaining, power) + end) / peak;
    }
  }

  /// √(timescale / (s + timescale − warmup)): the rate of the first Transformer.
  ///
  /// Vaswani et al. 2017, eq. 3, arXiv:1706.03762.
  record InverseSquareRoot(double peak, long warmup, long timescale)
      implements LearningRateSchedule {
    public InverseSquareRoot {
      check(peak, warmup);
      if (timescale <= 0)
        throw new IllegalArgumentException("timescale must be positive, was " + timescale);
    }

    /// The timescale is the warm-up, or 10 000 without one.
    public InverseSquareRoot(double peak, long warmup) {
      this(peak, warmup, warmup == 0 ? 10_000 : warmup);
    }

    @Override
    public double shape(long step) {
      return 1 / Math.sqrt((step + timescale - warmup) / (double) timescale);
    }
  }

  /// 1 for `stable` steps, then linearly down to `floor` in `decay` steps: warm-up, stable, decay.
  /// The length of the run need not be known before the decay begins.
  ///
  /// Hu et al. 2024 (MiniCPM), section 4.2, arXiv:2404.06395.
  ///
  /// @param floor the smallest rate, as a share of the peak
  record WarmupStableDecay(double peak, long warmup, long stable, long decay, double floor)
      implements LearningRateSchedule {
    public WarmupStableDecay {
      check(peak, warmup);
      share("floor", floor);
      if (stable < 0 || decay < 0)
        throw new IllegalArgumentException(
            "stable and decay must be 0 or more, were " + stable + " and " + decay);
    }

    @Override
    public double shape(long step) {
      long inDecay = step - warmup - stable;
      if (inDecay < 0) return 1;
      if (inDecay >= decay) return floor;
      return floor + (1 - floor) * (1 - inDecay / (double) decay);
    }
  }

  private static double progress(long step, long warmup, long total) {
    return (step - warmup) / (double) Math.max(1, total - warmup);
  }

  private static void check(double peak, long warmup) {
    if (!(peak > 0) || Double.isInfinite(peak))
      throw new IllegalArgumentException("peak must be positive, was " + peak);
    if (warmup < 0) throw new IllegalArgumentException("warmup must be 0 or more, was " + warmup);
  }

  private static void check(long warmup, long total) {
    if (total < warmup)
      throw new IllegalArgumentException(
          "total must be at least warmup " + warmup + ", was " + total);
  }

  private static void share(String name, double value) {
    if (!(value >= 0 && value <= 1))
      throw new IllegalArgumentException(name + " must be in [0, 1], was " + value);
  }
}
