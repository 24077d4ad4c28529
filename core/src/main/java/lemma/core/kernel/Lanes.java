package lemma.core.kernel;

/// Whether the Vector API is there: it must be asked for with `--add-modules jdk.incubator.vector`.
///
/// A kernel is a small sealed interface with a plain loop (`Scalar`) and a form on vector lanes
/// (`Vectorised`); `best()` gives the second where this says so. The class that names the Vector
/// API is loaded only when it is made.
public final class Lanes {
  private static final boolean AVAILABLE =
      ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();

  private Lanes() {}

  public static boolean available() {
    return AVAILABLE;
  }
}
