package lemma.diffusion.schedule;

/// How noise levels σ are spread between the noisiest and the cleanest.
///
/// | spacing | even in |
/// |---|---|
/// | [OfTimesteps] | whatever the timesteps of training give |
/// | [Karras] | σ^(1/ρ) |
/// | [Exponential] | log σ |
///
/// Karras et al. 2022, eq. 5, arXiv:2206.00364.
public sealed interface SigmaSpacing {

  /// The noise levels, descending; `given` are those of the timesteps, whose length is kept.
  double[] levels(double[] given, double largest, double smallest);

  /// The noise levels of the timesteps themselves.
  record OfTimesteps() implements SigmaSpacing {
    @Override
    public double[] levels(double[] given, double largest, double smallest) {
      return given.clone();
    }
  }

  /// Even in σ^(1/ρ): the larger ρ, the more levels near the clean end.
  ///
  /// ```
  /// σᵢ = (σmax^(1/ρ) + i/(n − 1)·(σmin^(1/ρ) − σmax^(1/ρ)))^ρ
  /// ```
  record Karras(double rho) implements SigmaSpacing {
    public Karras {
      if (!(rho > 0)) throw new IllegalArgumentException("rho must be positive, was " + rho);
    }

    /// ρ = 7, as published.
    public Karras() {
      this(7);
    }

    @Override
    public double[] levels(double[] given, double largest, double smallest) {
      double[] roots = even(given.length, Math.pow(largest, 1 / rho), Math.pow(smallest, 1 / rho));
      for (int i = 0; i < roots.length; i++) roots[i] = Math.pow(roots[i], rho);
      return roots;
    }
  }

  /// Even in log σ: every stride has the same ratio.
  record Exponential() implements SigmaSpacing {
    @Override
    public double[] levels(double[] given, double largest, double smallest) {
      double[] logs = even(given.length, Math.log(largest), Math.log(smallest));
      for (int i = 0; i < logs.length; i++) logs[i] = Math.exp(logs[i]);
      return logs;
    }
  }

  private static double[] even(int n, double first, double last) {
    double[] values = new double[n];
    for (int i = 0; i < n; i++) values[i] = n == 1 ? first : first + i / (n - 1.0) * (last - first);
    return values;
  }
}
