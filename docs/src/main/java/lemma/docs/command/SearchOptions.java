package lemma.docs.command;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import lemma.core.model.DecoderModel;
import lemma.sampling.filter.LogitsProcessor;
import lemma.sampling.search.BeamSearch;
import lemma.sampling.search.EarlyStopping;
import lemma.sampling.search.Hypothesis;
import lemma.sampling.search.LengthPenalty;
import lemma.sampling.search.NextToken;
import lemma.sampling.speculative.Draft;
import lemma.sampling.speculative.DraftModel;
import lemma.sampling.speculative.PromptLookup;
import picocli.CommandLine.Option;

/// `generate`: other ways than drawing token after token.
final class SearchOptions {
  @Option(
      names = "--beams",
      paramLabel = "B",
      description = "beam search: look for a probable text, following B at a time")
  Integer beams;

  @Option(
      names = "--length-penalty",
      paramLabel = "ALPHA",
      description = "beams: rank texts by ln P / length^ALPHA; above 1 favours longer ones (1)")
  double lengthPenalty = 1;

  @Option(
      names = "--early-stopping",
      arity = "0..1",
      fallbackValue = "AT_ONCE",
      paramLabel = "WHEN",
      description =
          "beams: stop AT_ONCE when B texts have ended, by the usual HEURISTIC, or NEVER before"
              + " nothing better can come (HEURISTIC)")
  EarlyStopping earlyStopping = EarlyStopping.HEURISTIC;

  @Option(
      names = "--draft",
      paramLabel = "PATH",
      description =
          "speculative decoding: this smaller model of the same vocabulary guesses, the model"
              + " checks several guesses in one pass; the odds stay the model's")
  Path draft;

  @Option(
      names = "--prompt-lookup",
      paramLabel = "N",
      description = "the same with guesses from the text itself: what followed its last N tokens")
  Integer promptLookup;

  @Option(names = "--draft-tokens", paramLabel = "N", description = "tokens guessed at a time (4)")
  int draftTokens = 4;

  boolean speculates() {
    return draft != null || promptLookup != null;
  }

  /// @param rules what the logits go through before texts are compared
  List<Hypothesis> search(PromptedModel source, StopOptions stop, LogitsProcessor rules) {
    int room = source.model().contextLength() - source.start().length + 1;
    var search =
        new BeamSearch(
            beams,
            Math.min(stop.maxTokens, room),
            new LengthPenalty.Power(lengthPenalty),
            earlyStopping,
            stop.ignoreEnd ? Set.of() : source.endTokens());
    NextToken model = NextToken.of(source.model(), beams).filtered(rules);
    return search.search(model, source.start());
  }

  /// A model that guesses, to be closed; `null` if the text itself does.
  DecoderModel draftModel(int vocabularySize, int threads) throws IOException {
    if (draft == null) return null;
    DecoderModel model = DecoderModel.open(draft, threads);
    if (model.vocabularySize() == vocabularySize) return model;
    model.close();
    throw new IllegalArgumentException(
        "--draft %s has %d tokens, the model %d"
            .formatted(draft, model.vocabularySize(), vocabularySize));
  }

  Draft guesses(DecoderModel draftModel, LogitsProcessor filters, int vocabularySize) {
    return draftModel == null
        ? new PromptLookup(promptLookup, vocabularySize)
        : new DraftModel(draftModel, filters);
  }
}
