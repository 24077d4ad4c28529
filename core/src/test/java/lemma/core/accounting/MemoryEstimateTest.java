package lemma.core.accounting;

import static lemma.core.accounting.ParameterCountTest.GPT2;
import static lemma.core.accounting.ParameterCountTest.LLAMA_2_7B;
import static lemma.core.accounting.ParameterCountTest.LLAMA_3_8B;
import static lemma.core.accounting.ParameterCountTest.MIXTRAL;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static lemma.proof.Numbers.relativeGap;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.cache.KvCacheSize;
import lemma.core.model.Llama;
import lemma.core.model.LlamaConfig;
import lemma.core.model.T5Config;
import lemma.core.tensor.Tensor;
import lemma.core.training.ActivationMemory;
import lemma.core.training.AdamW;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("memory-estimate")
class MemoryEstimateTest {
  private static final long BILLION = 1_000_000_000;
  private static final double GB = 1e9;

  @Claim("sixteen")
  @Test
  void adam_needs_sixteen_bytes_a_parameter_in_mixed_precision_as_in_float32() {
    for (long parameters : new long[] {1, 124_439_808, 7 * BILLION}) {
      assertThat(TrainingMemory.mixedPrecision(parameters).total()).isEqualTo(16 * parameters);
      assertThat(TrainingMemory.float32(parameters).total()).isEqualTo(16 * parameters);
    }
  }

  @Claim("sixteen")
  @Test
  void adam_keeps_two_numbers_for_every_parameter_of_a_real_model() {
    LlamaConfig config = LlamaConfig.small(50, 16, 24, 2, 4, 2, 8);
    Map<String, Tensor> weights = Llama.initialise(config, random(1)).parameters();
    long moments = 0;
    for (Map<String, Tensor> each : AdamW.standard().begin(weights).moments().values())
      for (Tensor moment : each.values()) moments += moment.count();
    assertThat(moments).isEqualTo(2 * ParameterCount.of(config).total());
  }

  @Claim("full-fine-tune")
  @Test
  void fine_tuning_all_of_a_7b_takes_more_than_a_device_of_80_gigabytes(Proof proof) {
    TrainingMemory memory = TrainingMemory.mixedPrecision(ParameterCount.of(LLAMA_2_7B).total());
    proof.atLeast("GB before activations", memory.total() / GB, 100);
    proof.measured("of them the optimiser", memory.optimiser() / GB);
  }

  @Claim("zero")
  @Test
  void each_stage_of_zero_divides_more_and_the_last_divides_everything(Proof proof) {
    TrainingMemory whole = TrainingMemory.mixedPrecision(ParameterCount.of(LLAMA_2_7B).total());
    for (int devices : new int[] {2, 8, 64}) {
      long before = Long.MAX_VALUE;
      for (ZeroStage stage : ZeroStage.values()) {
        long each = whole.on(devices, stage).total();
        assertThat(each).isLessThan(before);
        before = each;
      }
      assertThat(before).isEqualTo(whole.total() / devices);
    }
    assertThat(whole.on(8, ZeroStage.NONE)).isEqualTo(whole); // data parallelism saves nothing
    proof.measured("stage 1, 64 devices, GB", whole.on(64, ZeroStage.OPTIMISER).total() / GB);
    proof.measured("stage 2, 64 devices, GB", whole.on(64, ZeroStage.GRADIENTS).total() / GB);
    proof.measured("stage 3, 64 devices, GB", whole.on(64, ZeroStage.WEIGHTS).total() / GB);
  }

  @Claim("checkpointing")
  @Test
  void activations_outgrow_everything_with_the_batch_and_checkpointing_keeps_a_small_part(
      Proof proof) {
    var one = new ActivationMemory(32, 4096, 1, 4096, 32);
    var eight = new ActivationMemory(32, 4096, 8, 4096, 32);
    assertThat(eight.fullBytes()).isEqualTo(8 * one.fullBytes());
    proof.measured("7B, one text of 4096 tokens, GB", one.fullBytes() / GB);
    proof.atLeast("eight of them, GB", eight.fullBytes() / GB, 107);
    proof.atMost("kept with checkpointing, share", one.checkpointedBytes() / one.fullBytes(), 0.02);
  }

  @Claim("adapters")
  @Test
  void lora_frees_gradients_and_optimiser_and_qlora_three_quarters_of_the_weights_as_well(
      Proof proof) {
    AdapterMemory adapters = AdapterMemory.of(LLAMA_2_7B, 8);
    assertThat(adapters.trained()).isEqualTo(19_988_480); // on all seven matrices of a layer
    long total = ParameterCount.of(LLAMA_2_7B).total();
    assertThat(adapters.matrixWeights() + adapters.otherWeights()).isEqualTo(total);
    TrainingMemory full = TrainingMemory.mixedPrecision(total);
    assertThat(adapters.lora().gradients()).isEqualTo(2 * adapters.trained());
    assertThat(adapters.lora().weights()).isEqualTo(2 * (total + adapters.trained()));
    proof.measured("full, GB", full.total() / GB);
    proof.atMost("LoRA, GB", adapters.lora().total() / GB, full.total() / GB / 7);
    proof.atMost("QLoRA, GB", adapters.qlora().total() / GB, 4.5);
    double bits = 8.0 * WeightFormat.NF4_DOUBLE.bytes(1L << 30) / (1L << 30);
    proof.measured("bits of a QLoRA base weight", bits);
    assertThat(bits).isBetween(4.1265, 4.1275);
  }

  @Claim("adapters")
  @Test
  void adapters_leave_out_embeddings_routers_and_tables_of_positions() {
    assertThat(AdapterMemory.of(GPT2, 1).matrixWeights()).isEqualTo(12L * 12 * 768 * 768);
    assertThat(AdapterMemory.of(MIXTRAL, 1).matrixWeights())
        .isEqualTo(
            ParameterCount.of(MIXTRAL).of(ParameterCount.ATTENTION) + 32L * 8 * 3 * 4096 * 14336);
    var t5 = T5Config.gated(100, 8, 4, 16, 2, 2, true);
    assertThat(AdapterMemory.of(t5, 1).matrixWeights())
        .isEqualTo(2 * (4 * 64 + 3 * 128) + 2 * (8 * 64 + 3 * 128));
  }

  @Claim("cache")
  @Test
  void at_length_the_cache_outweighs_the_weights_and_grouped_heads_divide_it(Proof proof) {
    long mha = cache(LLAMA_2_7B).bytesPerToken();
    long gqa = cache(LLAMA_3_8B).bytesPerToken();
    assertThat(mha).isEqualTo(512 << 10);
    assertThat(gqa * 4).isEqualTo(mha);
    double weights = WeightFormat.BF16.bytes(ParameterCount.of(LLAMA_2_7B).total());
    proof.measured("Llama-2-7B: tokens whose cache weighs as much as the model", weights / mha);
    assertThat(cache(LLAMA_2_7B).bytes(4096, 7)).isGreaterThan((long) weights);
  }

  private static KvCacheSize cache(LlamaConfig config) {
    return new KvCacheSize(config.layers(), config.keyValueHeads(), config.headDim(), 2);
  }

  @Claim("backward")
  @Test
  void the_backward_pass_of_a_product_is_two_products_of_its_size() {
    RandomGenerator random = random(2);
    int rows = 5;
    int in = 7;
    int out = 3;
    double[] x = gaussian(rows * in, random);
    double[] w = gaussian(out * in, random);
    double[] dy = gaussian(rows * out, random);
    var products = new Counter();
    double[] y = products.multiply(x, transpose(w, out, in), rows, in, out);
    long forward = products.multiplyAdds;
    double[] dx = products.multiply(dy, w, rows, out, in);
    double[] dw = products.multiply(transpose(dy, rows, out), x, out, rows, in);
    assertThat(forward).isEqualTo((long) rows * in * out);
    assertThat(products.multiplyAdds).isEqualTo(3 * forward);

    Tensor inputs = Tensor.of(x, rows, in).parameter();
    Tensor weight = Tensor.of(w, out, in).parameter();
    Tensor outputs = inputs.matmulTransposed(weight);
    var gradients = outputs.mul(Tensor.of(dy, rows, out)).sum().backward();
    assertThat(relativeGap(y, outputs.toArray())).isLessThan(1e-14); // what was counted is right
    assertThat(relativeGap(dx, gradients.of(inputs).toArray())).isLessThan(1e-14);
    assertThat(relativeGap(dw, gradients.of(weight).toArray())).isLessThan(1e-14);
  }

  private static double[] transpose(double[] matrix, int rows, int columns) {
    double[] transposed = new double[matrix.length];
    for (int i = 0; i < rows; i++)
      for (int j = 0; j < columns; j++) transposed[j * rows + i] = matrix[i * columns + j];
    return transposed;
  }

  private static final class Counter {
    private long multiplyAdds;

    /// `[rows, inner] · [inner, columns]`
    double[] multiply(double[] a, double[] b, int rows, int inner, int columns) {
      double[] c = new double[rows * columns];
      for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
          for (int k = 0; k < inner; k++, multiplyAdds++)
            c[i * columns + j] += a[i * inner + k] * b[k * columns + j];
      return c;
    }
  }

  @Claim("flops")
  @Test
  void a_token_costs_two_operations_a_parameter_until_the_context_is_long(Proof proof) {
    ComputeCost cost = ComputeCost.of(LLAMA_2_7B);
    double rule = 2.0 * ParameterCount.of(LLAMA_2_7B).total();
    proof.atMost("Llama-2-7B, no context: off 2·N", Math.abs(cost.forward(0) / rule - 1), 0.02);
    proof.atLeast("at 4096 tokens: beyond 2·N", cost.forward(4096) / rule - 1, 0.12);
    assertThat(cost.training(100)).isEqualTo(3 * cost.forward(100));
    double equal = 2.0 * cost.multiplied() / cost.perPosition();
    proof.measured("context at which attention costs as much as the weights", equal);
    assertThat(equal / 4096).isBetween(5.5, 6.5); // about 6·d
    // a small model whose embedding is large: 2·N counts rows that are only looked up
    assertThat(ComputeCost.of(GPT2).multiplied()).isEqualTo(124_439_808L - 1024 * 768);
    assertThat(2.0 * ComputeCost.of(MIXTRAL).multiplied())
        .isEqualTo(2.0 * (12_879_925_248L - 131_072_000)); // two of eight experts
  }

  @Claim("parity")
  @GoldenCases("core/memory-arithmetic")
  void equals_the_arithmetic_of_the_papers(GoldenCase golden, Proof proof) {
    switch (golden.text("kind")) {
      case "kv-cache" -> {
        var size =
            new KvCacheSize(
                golden.integer("layers"),
                golden.integer("kv_heads"),
                golden.integer("head_dim"),
                golden.integer("bytes_per_value"));
        golden.expect("bytes_per_token", size.bytesPerToken(), proof);
        golden.expect(
            "total_bytes",
            size.bytes((long) golden.number("tokens"), (long) golden.number("batch")),
            proof);
      }
      case "finetune" -> {
        long parameters = (long) golden.number("parameters");
        int gpus = golden.integer("gpus");
        TrainingMemory memory = TrainingMemory.mixedPrecision(parameters);
        golden.expect("weights", memory.weights(), proof);
        golden.expect("gradients", memory.gradients(), proof);
        golden.expect("optimizer", memory.optimiser(), proof);
        golden.expect("total", memory.total(), proof);
        golden.expect("zero1_per_gpu", memory.on(gpus, ZeroStage.OPTIMISER).total(), proof);
        golden.expect("zero2_per_gpu", memory.on(gpus, ZeroStage.GRADIENTS).total(), proof);
        golden.expect("zero3_per_gpu", memory.on(gpus, ZeroStage.WEIGHTS).total(), proof);
        golden.expect("fp32_adam", TrainingMemory.float32(parameters).total(), proof);
      }
      case "quantised" -> {
        long weights = (long) golden.number("weights");
        golden.expect("q8_0", WeightFormat.Q8_0.bytes(weights), proof);
        golden.expect("q4_0", WeightFormat.Q4_0.bytes(weights), proof);
        golden.expect("q4_k", WeightFormat.Q4_K.bytes(weights), proof);
        golden.expect("q6_k", WeightFormat.Q6_K.bytes(weights), proof);
        golden.expect("nf4", WeightFormat.NF4.bytes(weights), proof);
        golden.expect("nf4_double", WeightFormat.NF4_DOUBLE.bytes(weights), proof);
        golden.expect("fp16", WeightFormat.F16.bytes(weights), proof);
      }
      case "flops" -> {
        double parameters = golden.number("parameters");
        double tokens = golden.number("tokens");
        golden.expect("training", ComputeCost.trainingRule(parameters, tokens), proof);
        golden.expect("forward", ComputeCost.forwardRule(parameters, tokens), proof);
      }
      default -> throw new IllegalArgumentException("kind " + golden.text("kind"));
    }
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> TrainingMemory.mixedPrecision(-1), "weights", "-2");
    Refusal.of(() -> TrainingMemory.frozen(1).on(0, ZeroStage.NONE), "devices", "0");
    Refusal.of(() -> ComputeCost.of(T5Config.gated(9, 8, 4, 16, 2, 2, true)), "T5", "stacks");
    Refusal.of(() -> ComputeCost.of(GPT2).forward(-1), "context", "-1");
  }
}
