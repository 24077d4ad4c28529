package lemma.core.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import lemma.core.tokenizer.Encoding.Token;
import lemma.proof.GoldenCase;
import tools.jackson.databind.JsonNode;

/// Holds a pipeline against a case of Hugging Face's tokenizers: ids, tokens, spans, text, pairs.
final class HuggingFaceCase {
  private HuggingFaceCase() {}

  static void check(GoldenCase golden, Pipeline pipeline) {
    String text = golden.inputs().get("text").asString();
    if (golden.inputs().has("pair")) {
      pair(golden, pipeline.encode(text, golden.inputs().get("pair").asString(), true));
      return;
    }
    golden.expect("ids_with_special", pipeline.encode(text, true).ids());
    golden.expect("ids", pipeline.encode(text));
    Encoding encoding = pipeline.encode(text, false);
    golden.expect("ids", encoding.ids());
    JsonNode tokens = golden.expected().get("tokens");
    assertThat(encoding.tokens().stream().map(Token::text).toList())
        .isEqualTo(tokens.isArray() ? texts(tokens) : List.of());
    spans(golden, text, encoding);
    assertThat(pipeline.decode(encoding.ids()))
        .isEqualTo(golden.expected().get("decoded").asString());
  }

  /// Spans count characters there and chars here; the library reports −1 for none.
  private static void spans(GoldenCase golden, String text, Encoding encoding) {
    JsonNode spans = golden.expected().get("spans");
    if (!spans.isArray()) return;
    for (int i = 0; i < spans.size(); i++) {
      int start = spans.get(i).get(0).asInt();
      if (start == -1) continue;
      Token token = encoding.tokens().get(i);
      assertThat(new int[] {characters(text, token.start()), characters(text, token.end())})
          .as("%s: span of token %d, %s", golden.name(), i, token.text())
          .containsExactly(start, spans.get(i).get(1).asInt());
    }
  }

  private static int characters(String text, int chars) {
    return text.codePointCount(0, Math.min(chars, text.length()));
  }

  private static void pair(GoldenCase golden, Encoding encoding) {
    golden.expect("ids", encoding.ids());
    golden.expect("type_ids", encoding.typeIds());
    golden.expect(
        "special_mask",
        encoding.tokens().stream().mapToInt(token -> token.special() ? 1 : 0).toArray());
    golden.expect("attention_mask", encoding.tokens().stream().mapToInt(token -> 1).toArray());
  }

  private static List<String> texts(JsonNode list) {
    return list.valueStream().map(JsonNode::asString).toList();
  }
}
