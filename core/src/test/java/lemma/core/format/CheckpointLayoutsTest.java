package lemma.core.format;

import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import lemma.core.format.CheckpointLayouts.Part;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Proves("checkpoint-layouts")
@DisplayNameGeneration(ReplaceUnderscores.class)
class CheckpointLayoutsTest {
  @TempDir Path folder;

  /// The weights that a model has when it is built: names with shapes.
  private static final class Model {
    final Map<String, List<Integer>> weights = new LinkedHashMap<>();

    void weight(String name, Integer... shape) {
      assertThat(weights.put(name, List.of(shape))).as(name).isNull();
    }

    void layer(String name, Integer... shape) {
      weight(name + ".weight", shape);
      weight(name + ".bias", shape[0]);
    }
  }

  /// The folder's models, built as the classes of the diffusers library build them.
  private static final class Diffusers {
    private static final int[] UNET = {320, 640, 1280, 1280};
    private static final int[] VAE = {128, 256, 512, 512};

    static Model of(Part part) {
      Model model = new Model();
      switch (part) {
        case UNET -> unet(model);
        case VAE -> autoencoder(model);
        case TEXT_ENCODER -> text(model, "");
      }
      return model;
    }

    private static void unet(Model m) {
      m.layer("conv_in", 320, 4, 3, 3);
      m.layer("time_embedding.linear_1", 1280, 320);
      m.layer("time_embedding.linear_2", 1280, 1280);
      int channels = 320;
      List<Integer> skips = new ArrayList<>(List.of(320));
      for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 2; j++) {
          resnet(m, "down_blocks.%d.resnets.%d".formatted(i, j), channels, UNET[i], true);
          channels = UNET[i];
          skips.add(channels);
          if (i < 3) transformer(m, "down_blocks.%d.attentions.%d".formatted(i, j), channels);
        }
        if (i == 3) break;
        m.layer("down_blocks.%d.downsamplers.0.conv".formatted(i), channels, channels, 3, 3);
        skips.add(channels);
      }
      resnet(m, "mid_block.resnets.0", 1280, 1280, true);
      transformer(m, "mid_block.attentions.0", 1280);
      resnet(m, "mid_block.resnets.1", 1280, 1280, true);
      for (int i = 0; i < 4; i++) {
        int out = UNET[3 - i];
        for (int j = 0; j < 3; j++) {
          int in = channels + skips.removeLast();
          resnet(m, "up_blocks.%d.resnets.%d".formatted(i, j), in, out, true);
          channels = out;
          if (i > 0) transformer(m, "up_blocks.%d.attentions.%d".formatted(i, j), channels);
        }
        if (i < 3) m.layer("up_blocks.%d.upsamplers.0.conv".formatted(i), out, out, 3, 3);
      }
      m.layer("conv_norm_out", 320);
      m.layer("conv_out", 4, 320, 3, 3);
    }

    private static void resnet(Model m, String name, int in, int out, boolean timed) {
      m.layer(name + ".norm1", in);
      m.layer(name + ".conv1", out, in, 3, 3);
      if (timed) m.layer(name + ".time_emb_proj", out, 1280);
      m.layer(name + ".norm2", out);
      m.layer(name + ".conv2", out, out, 3, 3);
      if (in != out) m.layer(name + ".conv_shortcut", out, in, 1, 1);
    }

    private static void transformer(Model m, String name, int channels) {
      m.layer(name + ".norm", channels);
      m.layer(name + ".proj_in", channels, channels, 1, 1);
      String block = name + ".transformer_blocks.0";
      for (int i = 1; i <= 2; i++) {
        int context = i == 1 ? channels : 768;
        m.weight(block + ".attn" + i + ".to_q.weight", channels, channels);
        m.weight(block + ".attn" + i + ".to_k.weight", channels, context);
        m.weight(block + ".attn" + i + ".to_v.weight", channels, context);
        m.layer(block + ".attn" + i + ".to_out.0", channels, channels);
      }
      for (int i = 1; i <= 3; i++) m.layer(block + ".norm" + i, channels);
      m.layer(block + ".ff.net.0.proj", 8 * channels, channels);
      m.layer(block + ".ff.net.2", channels, 4 * channels);
      m.layer(name + ".proj_out", channels, channels, 1, 1);
    }

    private static void autoencoder(Model m) {
      m.layer("encoder.conv_in", 128, 3, 3, 3);
      int channels = 128;
      for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 2; j++) {
          resnet(m, "encoder.down_blocks.%d.resnets.%d".formatted(i, j), channels, VAE[i], false);
          channels = VAE[i];
        }
        if (i < 3)
          m.layer(
              "encoder.down_blocks.%d.downsamplers.0.conv".formatted(i), channels, channels, 3, 3);
      }
      middle(m, "encoder");
      m.layer("encoder.conv_norm_out", 512);
      m.layer("encoder.conv_out", 8, 512, 3, 3);
      m.layer("quant_conv", 8, 8, 1, 1);
      m.layer("post_quant_conv", 4, 4, 1, 1);
      m.layer("decoder.conv_in", 512, 4, 3, 3);
      middle(m, "decoder");
      for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 3; j++) {
          resnet(m, "decoder.up_blocks.%d.resnets.%d".formatted(i, j), channels, VAE[3 - i], false);
          channels = VAE[3 - i];
        }
        if (i < 3)
          m.layer("decoder.up_blocks.%d.upsamplers.0.conv".formatted(i), channels, channels, 3, 3);
      }
      m.layer("decoder.conv_norm_out", 128);
      m.layer("decoder.conv_out", 3, 128, 3, 3);
    }

    private static void middle(Model m, String half) {
      resnet(m, half + ".mid_block.resnets.0", 512, 512, false);
      m.layer(half + ".mid_block.attentions.0.group_norm", 512);
      for (String projection : List.of("to_q", "to_k", "to_v", "to_out.0"))
        m.layer(half + ".mid_block.attentions.0." + projection, 512, 512);
      resnet(m, half + ".mid_block.resnets.1", 512, 512, false);
    }
  }

  private static void text(Model m, String prefix) {
    m.weight(prefix + "text_model.embeddings.token_embedding.weight", 49_408, 768);
    m.weight(prefix + "text_model.embeddings.position_embedding.weight", 77, 768);
    for (int i = 0; i < 12; i++) {
      String layer = prefix + "text_model.encoder.layers." + i;
      for (String projection : List.of("q", "k", "v", "out"))
        m.layer(layer + ".self_attn." + projection + "_proj", 768, 768);
      m.layer(layer + ".layer_norm1", 768);
      m.layer(layer + ".layer_norm2", 768);
      m.layer(layer + ".mlp.fc1", 3072, 768);
      m.layer(layer + ".mlp.fc2", 768, 3072);
    }
    m.layer(prefix + "text_model.final_layer_norm", 768);
  }

  /// The single file's models, built as the original code builds them: blocks are numbered as they are
  /// appended to a list, whatever they are.
  private static final class Original {
    static Model of(Part part) {
      Model model = new Model();
      switch (part) {
        case UNET -> unet(model, "model.diffusion_model.");
        case VAE -> autoencoder(model, "first_stage_model.");
        case TEXT_ENCODER -> text(model, "cond_stage_model.transformer.");
      }
      return model;
    }

    private static void unet(Model m, String p) {
      int[] multiples = {1, 2, 4, 4};
      m.layer(p + "time_embed.0", 1280, 320);
      m.layer(p + "time_embed.2", 1280, 1280);
      int block = 0;
      m.layer(p + "input_blocks." + block++ + ".0", 320, 4, 3, 3);
      int channels = 320;
      List<Integer> stack = new ArrayList<>(List.of(channels));
      int scale = 1; // attention where the image is at most 4 times smaller
      for (int level = 0; level < multiples.length; level++) {
        for (int layer = 0; layer < 2; layer++) {
          String name = p + "input_blocks." + block++;
          resBlock(m, name + ".0", channels, 320 * multiples[level]);
          channels = 320 * multiples[level];
          if (scale <= 4) transformer(m, name + ".1", channels);
          stack.add(channels);
        }
        if (level < multiples.length - 1) {
          m.layer(p + "input_blocks." + block++ + ".0.op", channels, channels, 3, 3);
          stack.add(channels);
          scale *= 2;
        }
      }
      resBlock(m, p + "middle_block.0", channels, channels);
      transformer(m, p + "middle_block.1", channels);
      resBlock(m, p + "middle_block.2", channels, channels);
      block = 0;
      for (int level = multiples.length - 1; level >= 0; level--)
        for (int layer = 0; layer <= 2; layer++) {
          String name = p + "output_blocks." + block++;
          int part = 0;
          resBlock(m, name + "." + part++, channels + stack.removeLast(), 320 * multiples[level]);
          channels = 320 * multiples[level];
          if (scale <= 4) transformer(m, name + "." + part++, channels);
          if (level > 0 && layer == 2) {
            m.layer(name + "." + part + ".conv", channels, channels, 3, 3);
            scale /= 2;
          }
        }
      m.layer(p + "out.0", channels);
      m.layer(p + "out.2", 4, channels, 3, 3);
    }

    private static void resBlock(Model m, String name, int in, int out) {
      m.layer(name + ".in_layers.0", in);
      m.layer(name + ".in_layers.2", out, in, 3, 3);
      m.layer(name + ".emb_layers.1", out, 1280);
      m.layer(name + ".out_layers.0", out);
      m.layer(name + ".out_layers.3", out, out, 3, 3);
      if (in != out) m.layer(name + ".skip_connection", out, in, 1, 1);
    }

    private static void transformer(Model m, String name, int channels) {
      Diffusers.transformer(m, name, channels); // the library took this class over as it was
    }

    private static void autoencoder(Model m, String p) {
      int[] multiples = {1, 2, 4, 4};
      m.layer(p + "encoder.conv_in", 128, 3, 3, 3);
      int channels = 128;
      for (int level = 0; level < 4; level++) {
        for (int j = 0; j < 2; j++) {
          String name = p + "encoder.down.%d.block.%d".formatted(level, j);
          resnetBlock(m, name, channels, 128 * multiples[level]);
          channels = 128 * multiples[level];
        }
        if (level != 3)
          m.layer(p + "encoder.down.%d.downsample.conv".formatted(level), channels, channels, 3, 3);
      }
      middle(m, p + "encoder.mid", channels);
      m.layer(p + "encoder.norm_out", channels);
      m.layer(p + "encoder.conv_out", 8, channels, 3, 3);
      m.layer(p + "quant_conv", 8, 8, 1, 1);
      m.layer(p + "post_quant_conv", 4, 4, 1, 1);
      m.layer(p + "decoder.conv_in", channels, 4, 3, 3);
      middle(m, p + "decoder.mid", channels);
      for (int level = 3; level >= 0; level--) {
        for (int j = 0; j <= 2; j++) {
          String name = p + "decoder.up.%d.block.%d".formatted(level, j);
          resnetBlock(m, name, channels, 128 * multiples[level]);
          channels = 128 * multiples[level];
        }
        if (level != 0)
          m.layer(p + "decoder.up.%d.upsample.conv".formatted(level), channels, channels, 3, 3);
      }
      m.layer(p + "decoder.norm_out", channels);
      m.layer(p + "decoder.conv_out", 3, channels, 3, 3);
    }

    private static void resnetBlock(Model m, String name, int in, int out) {
      m.layer(name + ".norm1", in);
      m.layer(name + ".conv1", out, in, 3, 3);
      m.layer(name + ".norm2", out);
      m.layer(name + ".conv2", out, out, 3, 3);
      if (in != out) m.layer(name + ".nin_shortcut", out, in, 1, 1);
    }

    private static void middle(Model m, String name, int channels) {
      resnetBlock(m, name + ".block_1", channels, channels);
      m.layer(name + ".attn_1.norm", channels);
      for (String projection : List.of("q", "k", "v", "proj_out"))
        m.layer(name + ".attn_1." + projection, channels, channels, 1, 1);
      resnetBlock(m, name + ".block_2", channels, channels);
    }
  }

  @Claim("bijection")
  @ParameterizedTest
  @EnumSource
  void every_name_of_one_layout_has_one_of_the_other(Part part, Proof proof) {
    Map<String, String> names = CheckpointLayouts.names(part);
    assertThat(names.keySet()).isEqualTo(Diffusers.of(part).weights.keySet());
    assertThat(new HashSet<>(names.values())).isEqualTo(Original.of(part).weights.keySet());
    assertThat(new HashSet<>(names.values())).as("no name is given twice").hasSize(names.size());
    proof.measured("names of " + part, names.size());
  }

  @Claim("counts")
  @Test
  void there_are_686_and_248_and_196_weights() {
    assertThat(CheckpointLayouts.names(Part.UNET)).hasSize(686);
    assertThat(CheckpointLayouts.names(Part.VAE)).hasSize(248);
    assertThat(CheckpointLayouts.names(Part.TEXT_ENCODER)).hasSize(196);
    long parameters =
        Diffusers.of(Part.UNET).weights.values().stream()
            .mapToLong(shape -> shape.stream().reduce(1, (a, b) -> a * b))
            .sum();
    assertThat(parameters).as("as published").isEqualTo(859_520_964L);
  }

  /// Two weights that were mixed up would mostly have other shapes.
  @Claim("shapes")
  @ParameterizedTest
  @EnumSource
  void both_names_stand_for_a_weight_of_the_same_shape(Part part) {
    Model diffusers = Diffusers.of(part);
    Model original = Original.of(part);
    int reshaped = 0;
    for (var name : CheckpointLayouts.names(part).entrySet()) {
      List<Integer> there = original.weights.get(name.getValue());
      List<Integer> here = diffusers.weights.get(name.getKey());
      if (here.equals(there)) continue;
      reshaped++;
      assertThat(there).as(name.getKey()).isEqualTo(List.of(here.get(0), here.get(1), 1, 1));
      assertThat(name.getKey()).contains("mid_block.attentions.0.to_");
    }
    assertThat(reshaped).isEqualTo(part == Part.VAE ? 8 : 0);
  }

  /// A model with these names whose every tensor holds a number of its own, and shapes like the real
  /// ones but small.
  private static List<StoredTensor> small(Map<String, List<Integer>> weights) {
    List<StoredTensor> tensors = new ArrayList<>();
    float next = 0;
    for (var weight : weights.entrySet()) {
      long[] shape = new long[weight.getValue().size()];
      Arrays.fill(shape, 1);
      byte[] bytes = new byte[4];
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(next++);
      tensors.add(
          new StoredTensor(weight.getKey(), ElementType.F32, shape, MemorySegment.ofArray(bytes)));
    }
    Collections.shuffle(tensors, java.util.Random.from(random(3))); // order says nothing
    return tensors;
  }

  private static Map<String, Double> values(WeightFile file) {
    return file.tensors().values().stream()
        .collect(Collectors.toMap(StoredTensor::name, tensor -> tensor.toDoubles()[0]));
  }

  @Claim("round-trip")
  @Test
  void there_and_back_every_weight_is_where_it_was() throws IOException {
    Map<String, List<Integer>> all = new LinkedHashMap<>();
    for (Part part : Part.values()) all.putAll(Original.of(part).weights);
    Path single = folder.resolve("single.safetensors");
    List<StoredTensor> tensors = new ArrayList<>(small(all));
    tensors.add(StoredTensor.of("betas", new double[2], new int[] {2}, FloatFormat.F32));
    String ids = "cond_stage_model.transformer.text_model.embeddings.position_ids";
    tensors.add(StoredTensor.of(ids, new double[2], new int[] {1, 2}, FloatFormat.F32));
    SafetensorsWriter.write(single, tensors, Map.of());

    LayoutConversion there = LayoutConversion.toFolder(Safetensors.open(single));
    assertThat(there.leftOut()).containsExactly("betas", ids);
    for (Part part : Part.values()) {
      Path file = folder.resolve("model").resolve(part.file() + ".safetensors");
      Files.createDirectories(file.getParent());
      SafetensorsWriter.writeSources(file, there.parts().get(part), Map.of());
      assertThat(Safetensors.open(file).tensors().keySet())
          .isEqualTo(Diffusers.of(part).weights.keySet());
      Safetensors.open(file)
          .tensors()
          .forEach((name, tensor) ->
              assertThat(tensor.shape())
                  .as(name)
                  .hasSize(Diffusers.of(part).weights.get(name).size()));
    }

    LayoutConversion back = LayoutConversion.toSingle(folder.resolve("model"));
    Path again = folder.resolve("again.safetensors");
    SafetensorsWriter.writeSources(again, back.all(), Map.of());
    Map<String, Double> before = values(Safetensors.open(single));
    before.keySet().removeAll(there.leftOut());
    assertThat(values(Safetensors.open(again))).isEqualTo(before).hasSize(686 + 248 + 196);
    for (StoredTensor tensor : Safetensors.open(again).tensors().values())
      assertThat(tensor.shape()).as(tensor.name()).hasSize(all.get(tensor.name()).size());
  }

  @Claim("older-names")
  @Test
  void the_attention_of_an_older_folder_is_recognised() throws IOException {
    Map<String, List<Integer>> older = new LinkedHashMap<>();
    Diffusers.of(Part.VAE)
        .weights
        .forEach((name, shape) ->
            older.put(
                name.replace("attentions.0.to_q", "attentions.0.query")
                    .replace("attentions.0.to_k", "attentions.0.key")
                    .replace("attentions.0.to_v", "attentions.0.value")
                    .replace("attentions.0.to_out.0", "attentions.0.proj_attn"),
                shape));
    Path file = folder.resolve(Part.VAE.file() + ".safetensors");
    Files.createDirectories(file.getParent());
    SafetensorsWriter.write(file, small(older), Map.of());
    assertThat(LayoutConversion.isFolder(folder)).isTrue();
    assertThat(
            LayoutConversion.toSingle(folder).all().stream()
                .map(TensorSource::name)
                .collect(Collectors.toSet()))
        .isEqualTo(Original.of(Part.VAE).weights.keySet());
  }

  @Claim("bad-input")
  @Test
  void what_is_missing_or_unknown_is_named() throws IOException {
    Path single = folder.resolve("single.safetensors");
    Map<String, List<Integer>> weights = Original.of(Part.VAE).weights;
    List<StoredTensor> tensors = new ArrayList<>(small(weights));
    tensors.add(StoredTensor.of("lora_up", new double[1], new int[] {1}, FloatFormat.F32));
    SafetensorsWriter.write(single, tensors, Map.of());
    Refusal.of(() -> LayoutConversion.toFolder(Safetensors.open(single)), "lora_up", "unknown");
    String gone = "first_stage_model.encoder.mid.attn_1.q.weight";
    weights.remove(gone);
    SafetensorsWriter.write(single, small(weights), Map.of());
    Refusal.of(() -> LayoutConversion.toFolder(Safetensors.open(single)), gone, "missing");
    SafetensorsWriter.write(single, List.of(), Map.of());
    Refusal.of(() -> LayoutConversion.toFolder(Safetensors.open(single)), "no single file");
    Refusal.of(() -> LayoutConversion.toSingle(folder), folder.toString(), "no part");
  }
}
