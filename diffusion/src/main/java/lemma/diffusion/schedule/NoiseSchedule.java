package lemma.diffusion.schedule;

/// What is left of the image after each training step.
///
/// ```
/// αₜ = 1 − βₜ      ᾱₜ = α₀·α₁ ⋯ αₜ      xₜ = √ᾱₜ·x₀ + √(1 − ᾱₜ)·ε      SNRₜ = ᾱₜ / (1 − ᾱₜ)
/// ```
///
/// Steps count from 0, the first noised step; step −1 is the clean image, ᾱ₋₁ = 1.
///
/// Ho et al. 2020, eq. 4, arXiv:2006.11239. Answer: `diffusion/noise-schedule.md`.
public final class NoiseSchedule {
  private final double[] betas;
  private final double[] alphaBars;

  private NoiseSchedule(double[] betas) {
    this.betas = betas;
    alphaBars = new double[betas.length];
    double product = 1;
    for (int t = 0; t < betas.length; t++) alphaBars[t] = product *= 1 - betas[t];
  }

  /// @throws IllegalArgumentException if `steps` is not positive
  public static NoiseSchedule of(BetaSchedule schedule, int steps) {
    return new NoiseSchedule(schedule.betas(steps));
  }

  /// The linear schedule of Ho et al. 2020: 1000 steps, β from 0.0001 to 0.02.
  public static NoiseSchedule ddpm() {
    return of(new BetaSchedule.Linear(1e-4, 0.02), 1000);
  }

  /// The schedule of Stable Diffusion 1 and 2 and SDXL: 1000 steps, √β evenly spaced.
  public static NoiseSchedule stableDiffusion() {
    return of(new BetaSchedule.ScaledLinear(0.00085, 0.012), 1000);
  }

  /// A schedule of given variances.
  ///
  /// @throws IllegalArgumentException if there is none or one is outside [0, 1]
  public static NoiseSchedule of(double... betas) {
    if (betas.length == 0) throw new IllegalArgumentException("betas must not be empty");
    for (double beta : betas)
      if (!(beta >= 0 && beta <= 1))
        throw new IllegalArgumentException("betas must lie in [0, 1], one was " + beta);
    return new NoiseSchedule(betas.clone());
  }

  /// The same schedule, shifted and scaled in √ᾱ so that the last step holds noise alone.
  ///
  /// Lin et al. 2023, algorithm 1, arXiv:2305.08891.
  public NoiseSchedule zeroTerminalSnr() {
    int steps = betas.length;
    double first = Math.sqrt(alphaBars[0]);
    double last = Math.sqrt(alphaBars[steps - 1]);
    if (first == last)
      throw new IllegalArgumentException("a schedule of one step cannot end at zero SNR");
    double[] rescaled = new double[steps];
    double previous = 1;
    for (int t = 0; t < steps; t++) {
      double root = (Math.sqrt(alphaBars[t]) - last) * first / (first - last);
      rescaled[t] = 1 - root * root / previous;
      previous = root * root;
    }
    return new NoiseSchedule(rescaled);
  }

  /// The schedule that visits only these timesteps, ascending: ᾱ is kept, β follows from it.
  ///
  /// ```
  /// β′ᵢ = 1 − ᾱ(tᵢ) / ᾱ(tᵢ₋₁)        ᾱ(t₋₁) = 1
  /// ```
  ///
  /// Nichol & Dhariwal 2021, eq. 19, arXiv:2102.09672.
  ///
  /// @throws IllegalArgumentException if there is no timestep or they do not ascend in 0 … T − 1
  public NoiseSchedule respaced(int... timesteps) {
    if (timesteps.length == 0) throw new IllegalArgumentException("timesteps must not be empty");
    double[] respaced = new double[timesteps.length];
    double previous = 1;
    for (int i = 0; i < timesteps.length; i++) {
      if (i > 0 && timesteps[i] <= timesteps[i - 1])
        throw new IllegalArgumentException(
            "timesteps must ascend, %d follows %d".formatted(timesteps[i], timesteps[i - 1]));
      double kept = alphaBar(check(timesteps[i], 0));
      respaced[i] = 1 - kept / previous;
      previous = kept;
    }
    return new NoiseSchedule(respaced);
  }

  /// Number of training steps T.
  public int steps() {
    return betas.length;
  }

  /// βₜ, the variance that step t adds.
  public double beta(int t) {
    return betas[check(t, 0)];
  }

  /// ᾱₜ, the share of the image's variance that is left after step t; 1 for t = −1.
  public double alphaBar(int t) {
    return check(t, -1) < 0 ? 1 : alphaBars[t];
  }

  /// √ᾱₜ, what multiplies the image.
  public double signal(int t) {
    return Math.sqrt(alphaBar(t));
  }

  /// √(1 − ᾱₜ), what multiplies the noise.
  public double noise(int t) {
    return Math.sqrt(1 - alphaBar(t));
  }

  /// √ᾱₜ and √(1 − ᾱₜ) as tensors.
  public NoiseLevel level(int t) {
    return NoiseLevel.of(alphaBar(t));
  }

  /// The levels of a batch `[batch, …]` of the given rank, one timestep for every image.
  public NoiseLevel levels(int[] timesteps, int rank) {
    double[] kept = new double[timesteps.length];
    for (int i = 0; i < kept.length; i++) kept[i] = alphaBar(timesteps[i]);
    return NoiseLevel.of(kept, rank);
  }

  /// ᾱₜ / (1 − ᾱₜ), the signal-to-noise ratio; infinite for the clean image.
  public double snr(int t) {
    return alphaBar(t) / (1 - alphaBar(t));
  }

  /// β of every step, as a copy.
  public double[] betas() {
    return betas.clone();
  }

  /// ᾱ of every step, as a copy.
  public double[] alphaBars() {
    return alphaBars.clone();
  }

  private int check(int t, int first) {
    if (t < first || t >= betas.length)
      throw new IllegalArgumentException(
          "timestep %d is outside %d … %d".formatted(t, first, betas.length - 1));
    return t;
  }
}
