package lemma.docs.command;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import lemma.core.accounting.AdapterMemory;
import lemma.core.accounting.ComputeCost;
import lemma.core.accounting.ParameterCount;
import lemma.core.accounting.TrainingMemory;
import lemma.core.accounting.WeightFormat;
import lemma.core.accounting.ZeroStage;
import lemma.core.cache.KvCacheSize;
import lemma.core.model.DecoderConfig;
import lemma.core.model.ModelConfig;
import lemma.core.model.T5Config;
import lemma.core.training.ActivationMemory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.json.JsonMapper;

/// What a model costs, from its configuration.
@Command(
    description = {
      "Counts the parameters of a model by part, and says what it takes to store, run and train it.",
      "Only its configuration is read: config.json, or the metadata of a GGUF file."
    })
final class CountCommand implements Callable<Integer> {
  private static final String PREFIXES = " kMGTPE";

  @Parameters(paramLabel = "CONFIG.json|FOLDER|FILE.gguf", description = "the model")
  private Path path;

  @Option(
      names = "--context",
      paramLabel = "N",
      defaultValue = "4096",
      description = "tokens of a text (${DEFAULT-VALUE})")
  private int context;

  @Option(
      names = "--batch",
      paramLabel = "N",
      defaultValue = "1",
      description = "texts at once (${DEFAULT-VALUE})")
  private int batch;

  @Option(
      names = "--rank",
      paramLabel = "R",
      defaultValue = "16",
      description = "of LoRA, on every matrix of every layer (${DEFAULT-VALUE})")
  private int rank;

  @Option(
      names = "--gpus",
      paramLabel = "N",
      defaultValue = "8",
      description = "devices that ZeRO divides among (${DEFAULT-VALUE})")
  private int gpus;

  @Option(names = "--json", description = "print JSON")
  private boolean json;

  @Spec private CommandSpec spec;

  private record Stored(String format, long bytes) {}

  private record Cache(long bytesPerToken, int tokens, int texts, long bytes) {}

  private record Trained(String method, long weights, long gradients, long optimiser, long total) {
    static Trained of(String method, TrainingMemory memory) {
      return new Trained(
          method, memory.weights(), memory.gradients(), memory.optimiser(), memory.total());
    }
  }

  private record Activations(double all, double checkpointed) {}

  private record Compute(double forwardPerToken, double atContext, double trainingPerToken) {}

  @Override
  public Integer call() throws IOException {
    ModelConfig config = ModelConfig.read(path);
    ParameterCount count = ParameterCount.of(config);
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("parts", count.parts());
    report.put("parameters", count.total());
    report.put("active", count.active());
    report.put("formats", stored(count));
    if (config instanceof DecoderConfig decoder) report.put("cache16Bit", cache(decoder));
    report.put("training", trained(config, count));
    if (config instanceof DecoderConfig decoder) report.put("activations", activations(decoder));
    if (!(config instanceof T5Config)) report.put("operations", compute(config));
    PrintWriter out = spec.commandLine().getOut();
    if (json) out.println(JsonMapper.shared().writeValueAsString(report));
    else print(config, count, out);
    return Lemma.OK;
  }

  private static List<Stored> stored(ParameterCount count) {
    List<Stored> stored = new ArrayList<>();
    for (WeightFormat format : WeightFormat.values())
      stored.add(new Stored(format.name(), format.bytes(count.total())));
    return stored;
  }

  private Cache cache(DecoderConfig c) {
    var size = new KvCacheSize(c.layers(), c.keyValueHeads(), c.headDim(), 2);
    return new Cache(size.bytesPerToken(), context, batch, size.bytes(context, batch));
  }

  private List<Trained> trained(ModelConfig config, ParameterCount count) {
    TrainingMemory full = TrainingMemory.mixedPrecision(count.total());
    AdapterMemory adapters = AdapterMemory.of(config, rank);
    return List.of(
        Trained.of("all parameters", full),
        Trained.of("ZeRO 1, each of " + gpus, full.on(gpus, ZeroStage.OPTIMISER)),
        Trained.of("ZeRO 2, each of " + gpus, full.on(gpus, ZeroStage.GRADIENTS)),
        Trained.of("ZeRO 3, each of " + gpus, full.on(gpus, ZeroStage.WEIGHTS)),
        Trained.of("LoRA of rank " + rank, adapters.lora()),
        Trained.of("QLoRA of rank " + rank, adapters.qlora()));
  }

  private Activations activations(DecoderConfig c) {
    var memory = new ActivationMemory(c.layers(), context, batch, c.hiddenSize(), c.heads());
    return new Activations(memory.fullBytes(), memory.checkpointedBytes());
  }

  private Compute compute(ModelConfig config) {
    ComputeCost cost = ComputeCost.of(config);
    return new Compute(cost.forward(0), cost.forward(context), cost.training(context));
  }

  private void print(ModelConfig config, ParameterCount count, PrintWriter out) {
    var parts = new Table("part", "each", "times", "parameters", "share");
    for (var part : count.parts())
      parts.row(
          part.name(),
          grouped(part.each()),
          part.times(),
          grouped(part.total()),
          String.format(Locale.ROOT, "%.1f%%", 100.0 * part.total() / count.total()));
    out.print(parts);
    out.println(grouped(count.total()) + " parameters");
    if (count.active() < count.total())
      out.println(grouped(count.active()) + " of them take part in a token");

    var formats = new Table("stored as", "bytes", "");
    for (Stored each : stored(count))
      formats.row(each.format, grouped(each.bytes), bytes(each.bytes));
    out.print("\n" + formats);

    var training = new Table("training with Adam", "weights", "gradients", "optimiser", "total");
    for (Trained each : trained(config, count))
      training.row(
          each.method,
          bytes(each.weights),
          bytes(each.gradients),
          bytes(each.optimiser),
          bytes(each.total));
    out.print("\n" + training);
    out.println("16 bits with float32 copies in the optimiser; activations come on top");

    var run = new Table(String.format(Locale.ROOT, "%,d tokens, %d at once", context, batch), "");
    if (config instanceof DecoderConfig c) {
      run.row("key/value cache in 16 bits, bytes a token", grouped(cache(c).bytesPerToken));
      run.row("key/value cache in 16 bits", bytes(cache(c).bytes));
      run.row("activations kept for training", bytes(activations(c).all));
      run.row("the same with checkpointing", bytes(activations(c).checkpointed));
    }
    if (!(config instanceof T5Config)) {
      run.row("operations to run the first token", scaled(compute(config).forwardPerToken, "FLOP"));
      run.row(
          "operations to run a token behind the others", scaled(compute(config).atContext, "FLOP"));
      run.row("operations to train on it", scaled(compute(config).trainingPerToken, "FLOP"));
      out.print("\n" + run);
    }
  }

  private static String grouped(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  private static String bytes(double number) {
    return scaled(number, "B");
  }

  /// `13.48 GB`, `148.10 kB`: two decimals and the prefix that leaves one to three digits before them.
  private static String scaled(double number, String unit) {
    int prefix = 0;
    while (Math.abs(number) >= 1000 && prefix < PREFIXES.length() - 1) {
      number /= 1000;
      prefix++;
    }
    return prefix == 0
        ? String.format(Locale.ROOT, "%.0f %s", number, unit)
        : String.format(Locale.ROOT, "%.2f %s%s", number, PREFIXES.charAt(prefix), unit);
  }
}
