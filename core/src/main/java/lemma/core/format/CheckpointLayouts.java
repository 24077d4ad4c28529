package lemma.core.format;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What Stable Diffusion 1.x calls its weights in its two layouts: the single file of the original code
/// and the folders of the diffusers library.
///
/// Both number the same layers, the one in the order in which they run, the other by place:
///
/// ```
/// U-Net, level ℓ = 0…3 down, layer j = 0, 1:          up block i = 0…3, layer j = 0, 1, 2:
///   down_blocks.ℓ.resnets.j         input_blocks.(3ℓ+j+1).0       up_blocks.i.resnets.j       output_blocks.(3i+j).0
///   down_blocks.ℓ.attentions.j      input_blocks.(3ℓ+j+1).1       up_blocks.i.attentions.j    output_blocks.(3i+j).1
///   down_blocks.ℓ.downsamplers.0    input_blocks.(3ℓ+3).0.op      up_blocks.i.upsamplers.0    output_blocks.(3i+2).(1|2)
/// autoencoder, up block i:
///   decoder.up_blocks.i             decoder.up.(3−i)
/// ```
///
/// An upsampler comes last in its block, behind the attention if there is one. The attention of the
/// autoencoder is a 1×1 convolution in one layout and linear in the other: the same numbers as
/// `[512, 512, 1, 1]` and `[512, 512]`.
///
/// Source: CompVis/stable-diffusion `openaimodel.py`, `model.py`; huggingface/diffusers `unet_2d_blocks.py`.
/// Answer: `format/checkpoint-layouts.md`.
public final class CheckpointLayouts {
  private static final int LEVELS = 4;
  private static final int LAYERS_DOWN = 2;
  private static final int LAYERS_UP = LAYERS_DOWN + 1;
  private static final int TEXT_LAYERS = 12;

  /// A model of the pipeline.
  public enum Part {
    UNET("unet/diffusion_pytorch_model", "model.diffusion_model."),
    VAE("vae/diffusion_pytorch_model", "first_stage_model."),
    TEXT_ENCODER("text_encoder/model", "cond_stage_model.transformer.");

    private final String file;
    private final String prefix;

    Part(String file, String prefix) {
      this.file = file;
      this.prefix = prefix;
    }

    /// Its file in a folder, without the ending.
    public String file() {
      return file;
    }

    /// How its names begin in a single file.
    public String prefix() {
      return prefix;
    }
  }

  /// A layer's names in the two layouts.
  private record Layer(String diffusers, String single, boolean bias) {}

  private final List<Layer> layers = new ArrayList<>();

  private CheckpointLayouts() {}

  /// Every weight of a part: its name in the folder → its name in the single file.
  public static Map<String, String> names(Part part) {
    var rules = new CheckpointLayouts();
    switch (part) {
      case UNET -> rules.unet();
      case VAE -> rules.autoencoder();
      case TEXT_ENCODER -> rules.textEncoder();
    }
    Map<String, String> names = new LinkedHashMap<>();
    for (Layer layer : rules.layers) {
      names.put(layer.diffusers + ".weight", part.prefix + layer.single + ".weight");
      if (layer.bias) names.put(layer.diffusers + ".bias", part.prefix + layer.single + ".bias");
    }
    return Collections.unmodifiableMap(names);
  }

  private void add(String diffusers, String single) {
    layers.add(new Layer(diffusers, single, true));
  }

  private void addWithoutBias(String diffusers, String single) {
    layers.add(new Layer(diffusers, single, false));
  }

  private void unet() {
    add("time_embedding.linear_1", "time_embed.0");
    add("time_embedding.linear_2", "time_embed.2");
    add("conv_in", "input_blocks.0.0");
    for (int level = 0; level < LEVELS; level++) {
      String down = "down_blocks." + level;
      for (int j = 0; j < LAYERS_DOWN; j++) {
        String in = "input_blocks." + (LAYERS_UP * level + j + 1);
        boolean wider = j == 0 && (level == 1 || level == 2); // 320, 640, 1280, 1280 channels
        unetResNet(down + ".resnets." + j, in + ".0", wider);
        if (level < LEVELS - 1) transformer(down + ".attentions." + j, in + ".1");
      }
      if (level < LEVELS - 1)
        add(
            down + ".downsamplers.0.conv",
            "input_blocks.%d.0.op".formatted(LAYERS_UP * (level + 1)));
    }
    unetResNet("mid_block.resnets.0", "middle_block.0", false);
    transformer("mid_block.attentions.0", "middle_block.1");
    unetResNet("mid_block.resnets.1", "middle_block.2", false);
    for (int i = 0; i < LEVELS; i++) {
      String up = "up_blocks." + i;
      String out = "";
      for (int j = 0; j < LAYERS_UP; j++) {
        out = "output_blocks." + (LAYERS_UP * i + j);
        unetResNet(up + ".resnets." + j, out + ".0", true); // its input has a skip beside it
        if (i > 0) transformer(up + ".attentions." + j, out + ".1");
      }
      if (i < LEVELS - 1) add(up + ".upsamplers.0.conv", out + (i > 0 ? ".2.conv" : ".1.conv"));
    }
    add("conv_norm_out", "out.0");
    add("conv_out", "out.2");
  }

  private void unetResNet(String diffusers, String single, boolean wider) {
    add(diffusers + ".norm1", single + ".in_layers.0");
    add(diffusers + ".conv1", single + ".in_layers.2");
    add(diffusers + ".time_emb_proj", single + ".emb_layers.1");
    add(diffusers + ".norm2", single + ".out_layers.0");
    add(diffusers + ".conv2", single + ".out_layers.3");
    if (wider) add(diffusers + ".conv_shortcut", single + ".skip_connection");
  }

  /// Here both layouts agree.
  private void transformer(String diffusers, String single) {
    for (String layer : List.of("norm", "proj_in", "proj_out"))
      add(diffusers + "." + layer, single + "." + layer);
    String block = ".transformer_blocks.0.";
    for (String attention : List.of("attn1.", "attn2.")) {
      for (String projection : List.of("to_q", "to_k", "to_v"))
        addWithoutBias(
            diffusers + block + attention + projection, single + block + attention + projection);
      add(diffusers + block + attention + "to_out.0", single + block + attention + "to_out.0");
    }
    for (String layer : List.of("ff.net.0.proj", "ff.net.2", "norm1", "norm2", "norm3"))
      add(diffusers + block + layer, single + block + layer);
  }

  private void autoencoder() {
    for (String half : List.of("encoder", "decoder")) {
      add(half + ".conv_in", half + ".conv_in");
      String middle = half + ".mid_block.";
      resNet(middle + "resnets.0", half + ".mid.block_1", false);
      attention(middle + "attentions.0", half + ".mid.attn_1");
      resNet(middle + "resnets.1", half + ".mid.block_2", false);
      add(half + ".conv_norm_out", half + ".norm_out");
      add(half + ".conv_out", half + ".conv_out");
    }
    for (int i = 0; i < LEVELS; i++) { // 128, 256, 512, 512 channels down; 512, 512, 256, 128 up
      String down = "encoder.down_blocks." + i;
      String up = "decoder.up_blocks." + i;
      String singleUp = "decoder.up." + (LEVELS - 1 - i);
      for (int j = 0; j < LAYERS_DOWN; j++)
        resNet(
            down + ".resnets." + j,
            "encoder.down.%d.block.%d".formatted(i, j),
            j == 0 && (i == 1 || i == 2));
      for (int j = 0; j < LAYERS_UP; j++)
        resNet(up + ".resnets." + j, singleUp + ".block." + j, j == 0 && i >= 2);
      if (i == LEVELS - 1) continue;
      add(down + ".downsamplers.0.conv", "encoder.down.%d.downsample.conv".formatted(i));
      add(up + ".upsamplers.0.conv", singleUp + ".upsample.conv");
    }
    add("quant_conv", "quant_conv");
    add("post_quant_conv", "post_quant_conv");
  }

  private void resNet(String diffusers, String single, boolean wider) {
    for (String layer : List.of("norm1", "conv1", "norm2", "conv2"))
      add(diffusers + "." + layer, single + "." + layer);
    if (wider) add(diffusers + ".conv_shortcut", single + ".nin_shortcut");
  }

  private void attention(String diffusers, String single) {
    add(diffusers + ".group_norm", single + ".norm");
    add(diffusers + ".to_q", single + ".q");
    add(diffusers + ".to_k", single + ".k");
    add(diffusers + ".to_v", single + ".v");
    add(diffusers + ".to_out.0", single + ".proj_out");
  }

  private void textEncoder() {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < TEXT_LAYERS; i++)
      for (String layer :
          List.of(
              "self_attn.q_proj",
              "self_attn.k_proj",
              "self_attn.v_proj",
              "self_attn.out_proj",
              "layer_norm1",
              "layer_norm2",
              "mlp.fc1",
              "mlp.fc2")) names.add("text_model.encoder.layers.%d.%s".formatted(i, layer));
    names.add("text_model.final_layer_norm");
    names.forEach(name -> add(name, name));
    for (String table : List.of("token_embedding", "position_embedding"))
      addWithoutBias("text_model.embeddings." + table, "text_model.embeddings." + table);
  }
}
