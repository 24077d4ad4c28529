package lemma.docs.answer;

import com.fasterxml.jackson.annotation.JsonCreator;
import java.util.Collection;

/// What the last run of a claim's tests said.
public enum Verdict {
  PROVEN,
  FAILED,
  NOT_RUN;

  /// The verdict of several tests together: failed if one failed, proven if all are.
  static Verdict of(Collection<Proof> proofs) {
    if (proofs.stream().anyMatch(proof -> proof.verdict() == FAILED)) return FAILED;
    boolean allProven = proofs.stream().allMatch(proof -> proof.verdict() == PROVEN);
    return !proofs.isEmpty() && allProven ? PROVEN : NOT_RUN;
  }

  /// A verdict as the ledger writes it.
  @JsonCreator
  static Verdict parse(String name) {
    return switch (name) {
      case "proven" -> PROVEN;
      case "failed" -> FAILED;
      case "not run" -> NOT_RUN;
      default ->
          throw new IllegalArgumentException(
              "verdict must be proven, failed or not run; was " + name);
    };
  }

  @Override
  public String toString() {
    return this == NOT_RUN ? "not run" : name().toLowerCase(java.util.Locale.ROOT);
  }
}
