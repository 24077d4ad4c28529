package lemma.docs.answer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lemma.docs.ProjectHome;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/// What the last runs of the tests proved: every module's `target/proofs.json`.
///
/// @param proofs every test method that proves a claim
/// @param missing the modules that have no ledger, because their tests were not run
public record Ledger(List<Proof> proofs, List<String> missing) {
  private static final JsonMapper JSON = new JsonMapper();

  public Ledger {
    proofs = List.copyOf(proofs);
    missing = List.copyOf(missing);
  }

  /// Reads the ledgers that are there; a module with no ledger counts as not run.
  ///
  /// @throws IllegalArgumentException naming the file if a ledger cannot be understood
  public static Ledger read(ProjectHome home) throws IOException {
    List<Proof> proofs = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    for (String module : ProjectHome.PROVING_MODULES) {
      Path file = home.path(module, "target", "proofs.json");
      if (Files.exists(file)) proofs.addAll(read(file));
      else missing.add(module);
    }
    return new Ledger(proofs, missing);
  }

  private static List<Proof> read(Path file) throws IOException {
    try {
      return JSON.readValue(Files.readString(file), new TypeReference<>() {});
    } catch (JacksonException e) {
      throw new IllegalArgumentException(
          "%s: not a ledger of proofs: %s".formatted(file, e.getOriginalMessage()), e);
    }
  }

  /// The tests of one claim.
  public List<Proof> of(String technique, String claim) {
    return of(technique).stream().filter(proof -> proof.claim().equals(claim)).toList();
  }

  /// The tests of one technique.
  public List<Proof> of(String technique) {
    return proofs.stream().filter(proof -> proof.technique().equals(technique)).toList();
  }

  public Verdict verdict(String technique, String claim) {
    return Verdict.of(of(technique, claim));
  }

  /// How many of an answer's claims are proven, failed and not run.
  public Tally tally(Answer answer) {
    int[] count = new int[Verdict.values().length];
    for (String claim : answer.claims().keySet()) count[verdict(answer.id(), claim).ordinal()]++;
    return new Tally(
        count[Verdict.PROVEN.ordinal()],
        count[Verdict.FAILED.ordinal()],
        count[Verdict.NOT_RUN.ordinal()]);
  }

  /// Claims by verdict.
  public record Tally(int proven, int failed, int notRun) {
    public int claims() {
      return proven + failed + notRun;
    }

    public Tally plus(Tally other) {
      return new Tally(proven + other.proven, failed + other.failed, notRun + other.notRun);
    }

    @Override
    public String toString() {
      if (claims() == 0) return "no claims";
      return proven + "/" + claims() + " proven" + (failed == 0 ? "" : ", " + failed + " failed");
    }
  }
}
