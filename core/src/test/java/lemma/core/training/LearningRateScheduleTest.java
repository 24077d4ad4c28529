package lemma.core.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import lemma.core.training.LearningRateSchedule.Constant;
import lemma.core.training.LearningRateSchedule.Cosine;
import lemma.core.training.LearningRateSchedule.CosineRestarts;
import lemma.core.training.LearningRateSchedule.InverseSquareRoot;
import lemma.core.training.LearningRateSchedule.Linear;
import lemma.core.training.LearningRateSchedule.Polynomial;
import lemma.core.training.LearningRateSchedule.WarmupStableDecay;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("optimisation")
class LearningRateScheduleTest {

  @Claim("warm-up")
  @Test
  void every_schedule_rises_from_zero_to_its_peak_and_never_above(Proof proof) {
    List<LearningRateSchedule> schedules =
        List.of(
            new Constant(3e-4, 10),
            new Linear(3e-4, 10, 100),
            new Cosine(3e-4, 10, 100),
            Cosine.toFloor(3e-4, 10, 100, 0.1),
            new CosineRestarts(3e-4, 10, 100, 3),
            new Polynomial(3e-4, 10, 100, 1e-5, 2),
            new InverseSquareRoot(3e-4, 10),
            new WarmupStableDecay(3e-4, 10, 50, 40, 0.1));
    for (LearningRateSchedule schedule : schedules) {
      assertThat(schedule.at(0)).isZero();
      for (int step = 1; step <= 10; step++)
        proof.atMost(
            "|rate − peak·step/warm-up|", Math.abs(schedule.at(step) - 3e-4 * step / 10), 1e-18);
      for (int step = 11; step <= 100; step++)
        assertThat(schedule.at(step)).isBetween(0.0, schedule.peak());
    }
  }

  @Claim("parity")
  @GoldenCases("tuning/lr-schedules")
  void the_rates_are_those_of_transformers_and_diffusers(GoldenCase golden, Proof proof) {
    LearningRateSchedule schedule = schedule(golden);
    int count = golden.expected().get("lr").size();
    golden.expect("lr", IntStream.range(0, count).mapToDouble(schedule::at).toArray(), proof);
  }

  private static LearningRateSchedule schedule(GoldenCase golden) {
    double lr = golden.number("lr");
    long warmup = golden.params().path("warmup").asLong(0);
    long total = golden.params().path("total").asLong(0);
    double floor = golden.params().path("min_lr_rate").asDouble(0);
    return switch (golden.text("kind")) {
      case "constant" -> new Constant(lr);
      case "constant_with_warmup" -> new Constant(lr, warmup);
      case "linear_with_warmup" -> new Linear(lr, warmup, total);
      case "cosine_with_warmup", "cosine-min-lr" ->
          new Cosine(lr, warmup, total, golden.params().path("num_cycles").asDouble(0.5), floor);
      case "cosine_with_hard_restarts_with_warmup" ->
          new CosineRestarts(lr, warmup, total, golden.params().path("num_cycles").asDouble(1));
      case "polynomial_decay_with_warmup" ->
          new Polynomial(lr, warmup, total, golden.number("lr_end"), golden.number("power"));
      case "inverse-sqrt" ->
          golden.params().has("timescale")
              ? new InverseSquareRoot(lr, warmup, golden.integer("timescale"))
              : new InverseSquareRoot(lr, warmup);
      case "wsd" ->
          new WarmupStableDecay(
              lr, warmup, golden.integer("stable"), golden.integer("decay"), floor);
      default -> throw new IllegalArgumentException(golden.text("kind"));
    };
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new Constant(0), "peak", "0.0");
    Refusal.of(() -> new Constant(1, -1), "warmup", "-1");
    Refusal.of(() -> new Linear(1, 10, 9), "total", "10", "9");
    Refusal.of(() -> new Cosine(1, 0, 9, 0, 0), "cycles");
    Refusal.of(() -> Cosine.toFloor(1, 0, 9, 1.5), "floor", "1.5");
    Refusal.of(() -> new CosineRestarts(1, 0, 9, Double.NaN), "cycles", "NaN");
    Refusal.of(() -> new Polynomial(1, 0, 9, 2, 1), "end", "2.0");
    Refusal.of(() -> new Polynomial(1, 0, 9, 0, 0), "power");
    Refusal.of(() -> new InverseSquareRoot(1, 0, 0), "timescale");
    Refusal.of(() -> new WarmupStableDecay(1, 0, -1, 0, 0), "stable", "-1");
    Refusal.of(() -> new Constant(1).at(-1), "step", "-1");
  }
}
