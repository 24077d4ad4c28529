package lemma.proof;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.reporting.ReportEntry;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/// Writes `target/proofs.json`: for every test method that proves a claim its module, technique,
/// claim, sentence, verdict, measured figures, duration, file and line.
///
/// A run of some tests replaces the entries of the methods that ran and keeps the others, as long
/// as their source still declares them.
public final class ProofLedger implements TestExecutionListener {
  private static final Path LEDGER = Path.of("target", "proofs.json");
  private static final String MODULE = Path.of("").toAbsolutePath().getFileName().toString();
  private static final Path SOURCES = Path.of("src", "test", "java");
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /// One test method's line in the ledger.
  public record Entry(
      String module,
      String technique,
      String claim,
      String sentence,
      String verdict,
      Map<String, String> measured,
      Map<String, String> bounds,
      double seconds,
      int cases,
      String testClass,
      String method,
      String file,
      int line) {}

  private static final class Running {
    final Map<String, String> measured = new TreeMap<>();
    final Map<String, String> bounds = new TreeMap<>();
    boolean failed;
    int cases;
    long nanos;
  }

  private final Map<String, Running> running = new ConcurrentHashMap<>();
  private final Map<String, Long> started = new ConcurrentHashMap<>();

  @Override
  public void reportingEntryPublished(TestIdentifier test, ReportEntry entry) {
    key(test).ifPresent(key -> record(key, entry));
  }

  private void record(String key, ReportEntry entry) {
    Running now = running.computeIfAbsent(key, k -> new Running());
    synchronized (now) {
      entry
          .getKeyValuePairs()
          .forEach((name, value) -> {
            String figure = name.substring(name.indexOf(':') + 1);
            if (name.startsWith("measured:"))
              now.measured.merge(figure, value, (a, b) -> larger(a, b) ? a : b);
            else if (name.startsWith("least:"))
              now.measured.merge(figure, value, (a, b) -> larger(a, b) ? b : a);
            else if (name.startsWith("bound:")) now.bounds.put(figure, value);
          });
    }
  }

  private static boolean larger(String a, String b) {
    return Double.compare(Double.parseDouble(a), Double.parseDouble(b)) >= 0;
  }

  @Override
  public void executionStarted(TestIdentifier test) {
    started.put(test.getUniqueId(), System.nanoTime());
  }

  @Override
  public void executionFinished(TestIdentifier test, TestExecutionResult result) {
    key(test)
        .ifPresent(key -> {
          Running now = running.computeIfAbsent(key, k -> new Running());
          synchronized (now) {
            if (result.getStatus() == TestExecutionResult.Status.FAILED) now.failed = true;
            boolean ran = result.getStatus() != TestExecutionResult.Status.ABORTED; // by assumption
            if (test.isTest() && ran) {
              now.cases++;
              now.nanos += System.nanoTime() - started.get(test.getUniqueId());
            }
          }
        });
  }

  @Override
  public void testPlanExecutionFinished(TestPlan plan) {
    Map<String, Entry> ledger = new TreeMap<>();
    for (Entry entry : before())
      if (line(entry.file(), entry.method()) > 0)
        ledger.put(entry.testClass() + "#" + entry.method(), entry);
    running.forEach((key, now) -> ledger.put(key, entry(key, now)));
    try {
      Files.createDirectories(LEDGER.getParent());
      Path temporary = Files.createTempFile(LEDGER.getParent(), "proofs", ".json");
      JSON.writeValue(temporary.toFile(), new ArrayList<>(ledger.values()));
      Files.move(temporary, LEDGER, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<Entry> before() {
    if (!Files.exists(LEDGER)) return List.of();
    return JSON.readValue(LEDGER.toFile(), new TypeReference<>() {});
  }

  private static Entry entry(String key, Running now) {
    String testClass = key.substring(0, key.indexOf('#'));
    String method = key.substring(key.indexOf('#') + 1);
    String file = testClass.replace('.', '/') + ".java";
    String verdict = now.failed ? "failed" : now.cases == 0 ? "not run" : "proven";
    return new Entry(
        MODULE,
        technique(testClass),
        claim(testClass, method),
        method.replace('_', ' '),
        verdict,
        new LinkedHashMap<>(now.measured),
        new LinkedHashMap<>(now.bounds),
        now.nanos / 1e9,
        now.cases,
        testClass,
        method,
        file,
        line(file, method));
  }

  /// The claim-proving method behind a test or one of its invocations.
  private static java.util.Optional<String> key(TestIdentifier test) {
    return test.getSource()
        .filter(MethodSource.class::isInstance)
        .map(MethodSource.class::cast)
        .filter(source ->
            source.getJavaMethod().isAnnotationPresent(Claim.class)
                && source.getJavaClass().isAnnotationPresent(Proves.class))
        .map(source -> source.getJavaClass().getName() + "#" + source.getMethodName());
  }

  private static String technique(String testClass) {
    try {
      return Class.forName(testClass).getAnnotation(Proves.class).value();
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String claim(String testClass, String method) {
    try {
      for (var candidate : Class.forName(testClass).getDeclaredMethods())
        if (candidate.getName().equals(method) && candidate.isAnnotationPresent(Claim.class))
          return candidate.getAnnotation(Claim.class).value();
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
    throw new IllegalStateException(testClass + " has no claim on " + method);
  }

  private static int line(String file, String method) {
    Path source = SOURCES.resolve(file);
    if (!Files.exists(source)) return 0;
    try {
      List<String> lines = Files.readAllLines(source);
      for (int i = 0; i < lines.size(); i++)
        if (lines.get(i).contains(" " + method + "(")) return i + 1;
      return 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
