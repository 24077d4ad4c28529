package lemma.docs.figure;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import lemma.core.model.LanguageModel;
import lemma.core.model.LlamaDecoder;
import lemma.core.model.ModelConfig;
import lemma.core.tokenizer.TokenizerJson;
import lemma.docs.ProjectHome;
import lemma.sampling.filter.Dry;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.filter.NoRepeatNGram;
import lemma.sampling.filter.PresenceFrequencyPenalty;
import lemma.sampling.filter.RepetitionPenalty;
import lemma.sampling.filter.SuppressedTokens;

/// How much the shipped language model repeats itself, with and without a remedy.
final class RepetitionFigures {
  private static final String PROMPT = "Once upon a time";
  private static final int TOKENS = 240;

  private RepetitionFigures() {}

  /// Share of distinct n-grams of one greedy text under each remedy.
  static Figure remedies(ProjectHome home) throws IOException {
    Map<String, LogitsProcessor> remedies = new LinkedHashMap<>();
    remedies.put("none", LogitsProcessor.chain());
    remedies.put("repetition 1.2", new RepetitionPenalty(1.2));
    remedies.put("presence 1", new PresenceFrequencyPenalty(1, 0));
    remedies.put("frequency 0.5", new PresenceFrequencyPenalty(0, 0.5));
    remedies.put("no repeated 3-gram", new NoRepeatNGram(3));
    remedies.put("DRY 0.8", new Dry(0.8, 1.75, 2));
    Path folder = home.path("core", "models", "storyteller");
    double[][] shares = new double[3][remedies.size()]; // distinct-1, distinct-3, repeated tokens
    try (LlamaDecoder model = LlamaDecoder.open(folder, 1)) {
      int[] prompt = TokenizerJson.read(folder).encode(PROMPT);
      // the story must go on: its end is suppressed
      var endless = SuppressedTokens.always(ModelConfig.endTokens(folder));
      int column = 0;
      for (LogitsProcessor remedy : remedies.values()) {
        int[] text = greedy(model, prompt, LogitsProcessor.chain(remedy, endless));
        shares[0][column] = distinct(text, 1);
        shares[1][column] = distinct(text, 3);
        shares[2][column++] = repeated(text, 3);
      }
    }
    return new Figure.Chart(
        ("The shipped model, greedy, %d tokens after \"%s\" without leave to end: distinct n-grams as"
                + " a share of all, and the share of tokens that lie in a 3-gram said before.")
            .formatted(TOKENS, PROMPT),
        Charts.bars(
            "remedy",
            List.copyOf(remedies.keySet()),
            Charts.Axis.linear("share"),
            List.of(
                new Charts.Bars("distinct tokens", shares[0]),
                new Charts.Bars("distinct 3-grams", shares[1]),
                new Charts.Bars("repeated tokens", shares[2]))),
        360);
  }

  private static int[] greedy(LanguageModel model, int[] prompt, LogitsProcessor remedy) {
    LanguageModel.Session session = model.open();
    float[] raw = session.append(prompt);
    int[] text = prompt;
    for (int i = 0; i < TOKENS; i++) {
      double[] logits = new double[raw.length];
      for (int token = 0; token < raw.length; token++) logits[token] = raw[token];
      int next = Logits.argMax(remedy.process(text, logits));
      text = Arrays.copyOf(text, text.length + 1);
      text[text.length - 1] = next;
      raw = session.append(next);
    }
    return Arrays.copyOfRange(text, prompt.length, text.length);
  }

  /// distinct-n: different n-grams ÷ n-grams.
  private static double distinct(int[] text, int n) {
    List<List<Integer>> grams = grams(text, n);
    return (double) new HashSet<>(grams).size() / grams.size();
  }

  /// Share of the tokens that lie in an n-gram which stood earlier in the text.
  private static double repeated(int[] text, int n) {
    boolean[] covered = new boolean[text.length];
    Set<List<Integer>> seen = new HashSet<>();
    List<List<Integer>> grams = grams(text, n);
    for (int i = 0; i < grams.size(); i++)
      if (!seen.add(grams.get(i))) Arrays.fill(covered, i, i + n, true);
    int count = 0;
    for (boolean token : covered) if (token) count++;
    return (double) count / text.length;
  }

  private static List<List<Integer>> grams(int[] text, int n) {
    List<List<Integer>> grams = new ArrayList<>();
    for (int i = 0; i + n <= text.length; i++)
      grams.add(Arrays.stream(text, i, i + n).boxed().toList());
    return grams;
  }
}
