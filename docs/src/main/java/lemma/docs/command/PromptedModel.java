package lemma.docs.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import lemma.core.model.DecoderModel;
import lemma.core.model.LanguageModel;
import lemma.core.model.ModelConfig;
import lemma.core.model.T5;
import lemma.core.model.T5Config;
import lemma.core.tokenizer.Tokenizer;
import lemma.core.tokenizer.TokenizerFile;
import lemma.sampling.generate.TextDecoder;

/// A model and what it is to continue.
///
/// @param tokenizer `null` if ids go in and ids come out
/// @param prompt the ids of the prompt
/// @param start what the answer follows: the prompt itself, unless an encoder has read it
/// @param endTokens the tokens that end a text
record PromptedModel(
    LanguageModel model, Tokenizer tokenizer, int[] prompt, int[] start, Set<Integer> endTokens)
    implements AutoCloseable {

  /// Opens any family that writes.
  ///
  /// @param spoken whether the answer is wanted as text, if there is a tokenizer
  /// @param needed whether there must be a tokenizer
  static PromptedModel open(
      Path path, int threads, PromptOptions prompt, boolean spoken, boolean needed)
      throws IOException {
    if (Files.exists(path) && ModelConfig.read(path) instanceof T5Config config) {
      T5 encoderDecoder = T5.load(path);
      Tokenizer tokenizer = tokenizer(path, spoken, needed || prompt.isText());
      Set<Integer> ends = ModelConfig.endTokens(path);
      int[] input = prompt.input(tokenizer, ends.stream().mapToInt(Integer::intValue));
      int[] start = {config.startToken()};
      return new PromptedModel(encoderDecoder.given(input), tokenizer, input, start, ends);
    }
    DecoderModel decoder = DecoderModel.open(path, threads);
    try {
      Tokenizer tokenizer = tokenizer(path, spoken, needed || prompt.isText());
      int[] ids = prompt.ids(tokenizer, path);
      return new PromptedModel(decoder, tokenizer, ids, ids, ModelConfig.endTokens(path));
    } catch (IOException | RuntimeException e) {
      decoder.close();
      throw e;
    }
  }

  private static Tokenizer tokenizer(Path path, boolean spoken, boolean needed) throws IOException {
    if (needed) return TokenizerFile.open(path);
    return spoken ? TokenizerFile.find(path).orElse(null) : null;
  }

  /// The text of some tokens, end tokens left out; empty without a tokenizer.
  String text(int[] tokens) {
    if (tokenizer == null) return "";
    TextDecoder decoder = TextDecoder.utf8(tokenizer::bytes);
    StringBuilder text = new StringBuilder();
    for (int token : tokens) if (!endTokens.contains(token)) text.append(decoder.next(token));
    return text.append(decoder.end()).toString();
  }

  @Override
  public void close() {
    if (model instanceof DecoderModel decoder) decoder.close();
  }
}
