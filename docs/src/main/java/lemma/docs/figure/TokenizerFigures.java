package lemma.docs.figure;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import lemma.core.tokenizer.Tokenizer;
import lemma.core.tokenizer.TokenizerComparison;
import lemma.core.tokenizer.TokenizerComparison.Sample;
import lemma.core.tokenizer.TokenizerFile;
import lemma.docs.ProjectHome;

/// The same texts through several tokenizers.
final class TokenizerFigures {
  private TokenizerFigures() {}

  /// Tokens for a hundred bytes, so that texts of different lengths fit one chart.
  static Figure lengths(ProjectHome home) throws IOException {
    Path models = home.path("core", "src", "test", "resources", "golden", "tokenizers", "models");
    Map<String, String> files = new LinkedHashMap<>();
    files.put("byte-level BPE", "bytelevel-bpe");
    files.put("SentencePiece BPE", "tiny-bpe.model");
    files.put("Unigram", "tiny-unigram.model");
    files.put("WordPiece", "wordpiece");
    List<Charts.Bars> bars = new ArrayList<>();
    for (var file : files.entrySet()) {
      Tokenizer tokenizer = TokenizerFile.open(models.resolve(file.getValue()));
      bars.add(
          new Charts.Bars(
              file.getKey(),
              Arrays.stream(Sample.values())
                  .map(sample -> TokenizerComparison.of(tokenizer, sample.text()))
                  .mapToDouble(length -> 100.0 / length.compression())
                  .toArray()));
    }
    List<String> texts =
        Arrays.stream(Sample.values()).map(s -> s.name().toLowerCase(Locale.ROOT)).toList();
    return new Figure.Chart(
        "Tokens for 100 bytes of four texts, in tokenizers trained on the same small corpus to 640 to"
            + " 880 tokens. WordPiece is short where it has lost the text: it writes [UNK] for"
            + " emoji and rare ideographs.",
        Charts.bars("text", texts, Charts.Axis.linear("tokens for 100 bytes"), bars),
        360);
  }
}
