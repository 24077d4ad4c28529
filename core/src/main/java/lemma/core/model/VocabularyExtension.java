package lemma.core.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;
import lemma.core.tokenizer.AddedToken;
import lemma.core.tokenizer.ByteLevelBpe;

/// New tokens for a trained model: their rows in the embedding and in the head begin as means of old
/// rows.
///
/// ```
/// E'[V + j] = mean of E[i] over i in parts[j]        E'[i] = E[i] for the old ids i
/// ```
///
/// | parts of a new token | then its logit is |
/// |---|---|
/// | the ids that the word had before: [#ofWords] | the mean of theirs |
/// | all old ids: [#ofAverage] | the mean of all: its probability is at most that of an average token |
///
/// Old ids, and logits of old tokens after old tokens, do not change.
///
/// Hewitt 2021, *Initializing New Word Embeddings for Pretrained Language Models*. Answer:
/// `tokenizer/vocabulary-extension.md`.
public record VocabularyExtension(List<String> words, List<int[]> parts) {

  /// @throws IllegalArgumentException if there is no word, or a word has no parts
  public VocabularyExtension {
    words = List.copyOf(words);
    parts = List.copyOf(parts);
    if (words.isEmpty() || words.size() != parts.size())
      throw new IllegalArgumentException(
          "there must be words, and parts for each: %d words, %d parts"
              .formatted(words.size(), parts.size()));
    for (int i = 0; i < words.size(); i++)
      if (parts.get(i).length == 0)
        throw new IllegalArgumentException("word \"%s\" has no parts".formatted(words.get(i)));
  }

  /// Each word begins as the mean of the tokens that it was before.
  ///
  /// @throws IllegalArgumentException if a word is empty
  public static VocabularyExtension ofWords(ByteLevelBpe tokenizer, List<String> words) {
    return new VocabularyExtension(words, words.stream().map(tokenizer::encode).toList());
  }

  /// Each word begins as the mean of the whole vocabulary.
  public static VocabularyExtension ofAverage(ByteLevelBpe tokenizer, List<String> words) {
    int[] all = IntStream.range(0, tokenizer.vocabularySize()).toArray();
    return new VocabularyExtension(words, words.stream().map(word -> all).toList());
  }

  /// The tokenizer with the words behind its old tokens. They are cut out of a text before anything
  /// else, so all other ids stay.
  ///
  /// @throws IllegalArgumentException if a word is a token already
  public ByteLevelBpe apply(ByteLevelBpe tokenizer) {
    List<String> tokens = new ArrayList<>(tokenizer.tokens());
    List<AddedToken> added = new ArrayList<>(tokenizer.addedTokens());
    for (String word : words) {
      added.add(new AddedToken(tokens.size(), word, false));
      tokens.add(word);
    }
    return new ByteLevelBpe(
        tokens,
        tokenizer.merges(),
        added,
        tokenizer.pattern(),
        tokenizer.takesWholePieces(),
        tokenizer.prefix());
  }

  /// The model with a row for each word in its embedding, and in its head if that is another matrix.
  ///
  /// @throws IllegalArgumentException if a part is outside the model's vocabulary
  public Llama apply(Llama model) {
    for (int[] ids : parts)
      for (int id : ids) Embedding.checkToken(id, model.config().vocabularySize());
    Map<String, Tensor> weights = new LinkedHashMap<>(model.weights());
    for (String name : new String[] {"model.embed_tokens.weight", "lm_head.weight"})
      weights.computeIfPresent(name, (key, table) -> extended(table));
    return new Llama(config(model.config()), weights);
  }

  private Tensor extended(Tensor table) {
    Tensor[] rows = new Tensor[1 + words.size()];
    rows[0] = table;
    for (int j = 0; j < words.size(); j++)
      rows[1 + j] = table.rows(parts.get(j)).mean(0).reshape(1, table.size(1));
    Tensor extended = Tensor.concat(0, rows);
    return Tensor.of(extended.toArray(), extended.shape());
  }

  private LlamaConfig config(LlamaConfig c) {
    return new LlamaConfig(
        Math.addExact(c.vocabularySize(), words.size()),
        c.hiddenSize(),
        c.intermediateSize(),
        c.layers(),
        c.heads(),
        c.keyValueHeads(),
        c.headDim(),
        c.contextLength(),
        c.epsilon(),
        c.rope(),
        c.experts(),
        c.expertsPerToken(),
        c.variant());
  }

  /// The parameters that the words add: a row each, or two where the head is not tied.
  public long parameters(LlamaConfig config) {
    return (config.variant().tiedEmbeddings() ? 1L : 2L) * words.size() * config.hiddenSize();
  }

  @Override
  public String toString() {
    return "words " + words + " from " + parts.stream().map(Arrays::toString).toList();
  }
}
