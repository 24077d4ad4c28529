package lemma.sampling.search;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/// A search in progress: the open texts and the best of those that have ended.
final class Beams {
  /// An open text, prompt included, and ln P of what follows the prompt.
  record Beam(int[] text, double logProbability) {}

  /// The continuation of the beam at `index` by one token.
  private record Candidate(Beam beam, int index, int token, double logProbability) {}

  /// Of equals the earlier beam comes first, then the lower token.
  private static final Comparator<Candidate> BEST_LAST =
      Comparator.comparingDouble(Candidate::logProbability)
          .thenComparing(Comparator.comparingInt(Candidate::index).reversed())
          .thenComparing(Comparator.comparingInt(Candidate::token).reversed());

  private final BeamSearch search;
  private final int promptLength;
  private final List<Hypothesis> ended = new ArrayList<>(); // best first
  private List<Beam> open;
  private boolean done;

  Beams(BeamSearch search, int[] prompt) {
    this.search = search;
    promptLength = prompt.length;
    open = List.of(new Beam(prompt, 0)); // beams part at the first token
  }

  boolean done() {
    return done;
  }

  List<Beam> open() {
    return done ? List.of() : open;
  }

  /// One step: `logProbabilities[b]` are those of the next token after open text b.
  void advance(double[][] logProbabilities) {
    List<Candidate> candidates = candidates(logProbabilities);
    int length = open.getFirst().text().length - promptLength + 1;
    List<Beam> next = new ArrayList<>();
    for (int rank = 0; rank < candidates.size() && next.size() < search.beams(); rank++) {
      Candidate candidate = candidates.get(rank);
      int[] text = extended(candidate.beam().text(), candidate.token());
      if (!search.endTokens().contains(candidate.token()))
        next.add(new Beam(text, candidate.logProbability()));
      else if (rank < search.beams()) end(text, candidate.logProbability());
    }
    open = next;
    done =
        next.isEmpty()
            || ended.size() == search.beams()
                && search
                    .earlyStopping()
                    .stops(
                        search.lengthPenalty(),
                        ended.getLast().score(),
                        candidates.getFirst().logProbability(),
                        length,
                        search.maxTokens());
  }

  /// The best continuations, best first: so many that `beams` of them go on even if every end token
  /// is among them.
  private List<Candidate> candidates(double[][] logProbabilities) {
    int most = Math.max(2, 1 + search.endTokens().size()) * search.beams();
    var best = new PriorityQueue<>(BEST_LAST); // the worst of them on top
    for (int b = 0; b < open.size(); b++) {
      Beam beam = open.get(b);
      for (int token = 0; token < logProbabilities[b].length; token++) {
        double sum = beam.logProbability() + logProbabilities[b][token];
        if (sum == Double.NEGATIVE_INFINITY) continue;
        if (best.size() == most && sum <= best.peek().logProbability()) continue;
        best.add(new Candidate(beam, b, token, sum));
        if (best.size() > most) best.poll();
      }
    }
    return best.stream().sorted(BEST_LAST.reversed()).toList();
  }

  private static int[] extended(int[] text, int token) {
    int[] longer = Arrays.copyOf(text, text.length + 1);
    longer[text.length] = token;
    return longer;
  }

  /// Keeps a text among the `beams` best, of equals the one found first.
  private void end(int[] text, double logProbability) {
    int[] tokens = Arrays.copyOfRange(text, promptLength, text.length);
    double score = search.lengthPenalty().score(logProbability, tokens.length);
    int at = 0;
    while (at < ended.size() && ended.get(at).score() >= score) at++;
    ended.add(at, new Hypothesis(tokens, logProbability, score));
    if (ended.size() > search.beams()) ended.removeLast();
  }

  /// The texts found, best first; an open one is ended where it is.
  List<Hypothesis> finish() {
    for (Beam beam : open()) end(beam.text(), beam.logProbability());
    open = List.of();
    return List.copyOf(ended);
  }
}
