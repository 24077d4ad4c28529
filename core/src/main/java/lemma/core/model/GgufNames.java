package lemma.core.model;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What GGUF files call the weights of a decoder.
///
/// ```
/// model.layers.3.self_attn.q_proj.weight                   blk.3.attn_q.weight
/// model.layers.3.block_sparse_moe.experts.5.w1.weight      blk.3.ffn_gate_exps.weight [5]
/// transformer.h.3.attn.c_attn.bias                         blk.3.attn_qkv.bias
/// ```
final class GgufNames {
  private static final Pattern OF_LAYER =
      Pattern.compile("(?:model\\.layers|transformer\\.h)\\.(\\d+)\\.(.+)\\.(weight|bias)");
  private static final Pattern OF_EXPERT =
      Pattern.compile("block_sparse_moe\\.experts\\.(\\d+)\\.(w[123])");

  private static final Map<String, String> PARTS =
      Map.ofEntries(
          Map.entry("model.embed_tokens", "token_embd"),
          Map.entry("model.norm", "output_norm"),
          Map.entry("lm_head", "output"),
          Map.entry("input_layernorm", "attn_norm"),
          Map.entry("self_attn.q_proj", "attn_q"),
          Map.entry("self_attn.k_proj", "attn_k"),
          Map.entry("self_attn.v_proj", "attn_v"),
          Map.entry("self_attn.o_proj", "attn_output"),
          Map.entry("self_attn.q_norm", "attn_q_norm"),
          Map.entry("self_attn.k_norm", "attn_k_norm"),
          Map.entry("post_attention_layernorm", "ffn_norm"),
          Map.entry("mlp.gate_proj", "ffn_gate"),
          Map.entry("mlp.up_proj", "ffn_up"),
          Map.entry("mlp.down_proj", "ffn_down"),
          Map.entry("block_sparse_moe.gate", "ffn_gate_inp"),
          Map.entry("w1", "ffn_gate_exps"),
          Map.entry("w2", "ffn_down_exps"),
          Map.entry("w3", "ffn_up_exps"),
          Map.entry("transformer.wte", "token_embd"),
          Map.entry("transformer.wpe", "position_embd"),
          Map.entry("transformer.ln_f", "output_norm"),
          Map.entry("ln_1", "attn_norm"),
          Map.entry("attn.c_attn", "attn_qkv"),
          Map.entry("attn.c_proj", "attn_output"),
          Map.entry("ln_2", "ffn_norm"),
          Map.entry("mlp.c_fc", "ffn_up"),
          Map.entry("mlp.c_proj", "ffn_down"));

  /// A tensor, or the slice of one that stacks all experts.
  ///
  /// @param expert −1 for the whole tensor
  record Place(String tensor, int expert) {}

  /// Whether a tensor holds rows of queries or keys, which are rotated in pairs.
  static boolean isRotated(String tensor) {
    return tensor.contains(".attn_q.") || tensor.contains(".attn_k.");
  }

  private GgufNames() {}

  /// Where a weight lies, by its name in [ModelConfig#weightShapes].
  static Place of(String name) {
    Matcher layer = OF_LAYER.matcher(name);
    if (!layer.matches()) {
      int dot = name.lastIndexOf('.');
      return new Place(PARTS.get(name.substring(0, dot)) + name.substring(dot), -1);
    }
    Matcher expert = OF_EXPERT.matcher(layer.group(2));
    boolean stacked = expert.matches();
    String part = PARTS.get(stacked ? expert.group(2) : layer.group(2));
    return new Place(
        "blk.%s.%s.%s".formatted(layer.group(1), part, layer.group(3)),
        stacked ? Integer.parseInt(expert.group(1)) : -1);
  }
}
