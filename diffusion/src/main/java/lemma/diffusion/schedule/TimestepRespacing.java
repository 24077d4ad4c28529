package lemma.diffusion.schedule;

import java.util.Arrays;

/// Choosing timesteps by section, for [NoiseSchedule#respaced]; ascending.
///
/// Improved DDPM splits the training steps into equal sections and takes a count of its own from
/// each, so that steps can be spent where they matter. Nichol & Dhariwal 2021, section 4,
/// arXiv:2102.09672.
public final class TimestepRespacing {
  private TimestepRespacing() {}

  /// `counts[i]` timesteps, evenly over section i; halves are rounded to even.
  ///
  /// @throws IllegalArgumentException if a section has fewer timesteps than are asked of it
  public static int[] sections(int trainingSteps, int... counts) {
    if (counts.length == 0) throw new IllegalArgumentException("counts must not be empty");
    int[] timesteps = new int[Arrays.stream(counts).sum()];
    int next = 0;
    int start = 0;
    for (int section = 0; section < counts.length; section++) {
      int count = counts[section];
      int size = trainingSteps / counts.length + (section < trainingSteps % counts.length ? 1 : 0);
      if (count < 0 || count > size)
        throw new IllegalArgumentException(
            "section %d has %d timesteps, count was %d".formatted(section, size, count));
      double stride = count <= 1 ? 1 : (size - 1.0) / (count - 1);
      double point = 0;
      for (int i = 0; i < count; i++, point += stride)
        timesteps[next++] = start + (int) Math.rint(point);
      start += size;
    }
    return timesteps;
  }

  /// 0, k, 2k, … with the whole stride k that gives `count` timesteps.
  ///
  /// @throws IllegalArgumentException if no whole stride does
  public static int[] stride(int trainingSteps, int count) {
    for (int stride = 1; stride <= trainingSteps; stride++)
      if ((trainingSteps + stride - 1) / stride == count) {
        int[] timesteps = new int[count];
        for (int i = 0; i < count; i++) timesteps[i] = i * stride;
        return timesteps;
      }
    throw new IllegalArgumentException(
        "no whole stride gives %d of %d timesteps".formatted(count, trainingSteps));
  }
}
