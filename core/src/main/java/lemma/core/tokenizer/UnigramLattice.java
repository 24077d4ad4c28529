package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.random.RandomGenerator;

/// Every segmentation of one text under a [Unigram] model: places are nodes, pieces are arcs, and a
/// segmentation is a path from the beginning to the end.
///
/// ```
/// P(path) = exp(α · score(path)) / Z,     score(path) = Σ ln p(piece)
/// forward(0) = 0,   forward(v) = ln Σ over arcs u → v of exp(forward(u) + α · ln p),   Z = exp forward(n)
/// ```
///
/// The number of paths grows exponentially with the text, the cost of everything here with its arcs:
/// forward filtering sums over the paths to each place, backward sampling walks from the end and takes
/// each arc by its share of the sum, which draws exactly from P.
///
/// α below 1 flattens the distribution: subword regularisation.
///
/// Kudo 2018, sections 3.2 and 3.3, arXiv:1804.10959. Answer: `tokenizer/sentencepiece.md`.
public final class UnigramLattice {
  private final String text;
  private final List<Segment> arcs = new ArrayList<>(); // by their beginning
  private final List<Double> scores = new ArrayList<>();
  private final List<List<Integer>> ending; // the arcs that end at each place

  /// A segmentation and its score, the logarithm of its probability if α = 1.
  public record Path(List<Segment> segments, double score) {}

  UnigramLattice(Unigram model, String text) {
    this.text = text;
    ending = new ArrayList<>();
    for (int place = 0; place <= text.length(); place++) ending.add(new ArrayList<>(4));
    model.arcs(
        text,
        (id, from, to, score) -> {
          ending.get(to).add(arcs.size());
          arcs.add(new Segment(id, from, to));
          scores.add(score);
        });
  }

  /// ln Z: the logarithm of the sum over all segmentations.
  ///
  /// With α = 0 every segmentation counts 1, and Z is their number.
  public double logPartition(double alpha) {
    return forward(alpha)[text.length()];
  }

  /// forward[v] = ln of the sum over all paths from the beginning to v.
  private double[] forward(double alpha) {
    checkAlpha(alpha);
    double[] forward = new double[text.length() + 1];
    for (int place = 1; place < forward.length; place++) {
      double largest = Double.NEGATIVE_INFINITY;
      for (int arc : ending.get(place)) largest = Math.max(largest, term(arc, alpha, forward));
      double sum = 0;
      for (int arc : ending.get(place)) sum += Math.exp(term(arc, alpha, forward) - largest);
      forward[place] = sum == 0 ? Double.NEGATIVE_INFINITY : largest + Math.log(sum);
    }
    return forward;
  }

  private double term(int arc, double alpha, double[] forward) {
    return forward[arcs.get(arc).from()] + alpha * scores.get(arc);
  }

  /// The same from the end: backward[v] = ln of the sum over all paths from v to the end.
  private double[] backward(double alpha) {
    double[] backward = new double[text.length() + 1];
    Arrays.fill(backward, 0, text.length(), Double.NEGATIVE_INFINITY);
    for (int i = arcs.size() - 1; i >= 0; i--) {
      Segment arc = arcs.get(i);
      double term = alpha * scores.get(i) + backward[arc.to()];
      backward[arc.from()] = logSum(backward[arc.from()], term);
    }
    return backward;
  }

  private static double logSum(double a, double b) {
    return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
  }

  /// −Σ P ln P over all segmentations, in nats.
  ///
  /// ```
  /// H(v) = Σ over arcs u → v of  q · (H(u) − ln q),    q = exp(forward(u) + α ln p − forward(v))
  /// ```
  public double entropy(double alpha) {
    double[] forward = forward(alpha);
    double[] entropy = new double[forward.length];
    for (int place = 1; place < forward.length; place++)
      for (int arc : ending.get(place)) {
        double logShare = term(arc, alpha, forward) - forward[place];
        entropy[place] += Math.exp(logShare) * (entropy[arcs.get(arc).from()] - logShare);
      }
    return entropy[text.length()];
  }

  /// Adds to `counts[id]` how often each piece is expected in this text, times `frequency`: the E step.
  ///
  /// ```
  /// counts[id] += frequency · Σ over its arcs u → v of exp(forward(u) + ln p + backward(v)) / Z
  /// ```
  ///
  /// @return ln Z
  public double expect(double[] counts, double frequency) {
    double[] forward = forward(1);
    double[] backward = backward(1);
    double logZ = forward[text.length()];
    for (int i = 0; i < arcs.size(); i++)
      counts[arcs.get(i).id()] +=
          frequency * Math.exp(term(i, 1, forward) + backward[arcs.get(i).to()] - logZ);
    return logZ;
  }

  /// Draws a segmentation from P: forward filtering, backward sampling.
  public Path sample(double alpha, RandomGenerator random) {
    double[] forward = forward(alpha);
    List<Segment> segments = new ArrayList<>();
    double score = 0;
    for (int place = text.length(); place > 0; ) {
      int arc = draw(place, alpha, forward, random.nextDouble());
      segments.add(arcs.get(arc));
      score += scores.get(arc);
      place = arcs.get(arc).from();
    }
    return new Path(List.copyOf(segments.reversed()), score);
  }

  private int draw(int place, double alpha, double[] forward, double uniform) {
    List<Integer> candidates = ending.get(place);
    for (int arc : candidates) {
      uniform -= Math.exp(term(arc, alpha, forward) - forward[place]);
      if (uniform < 0) return arc;
    }
    return candidates.getLast(); // the shares sum to 1 but for rounding
  }

  /// A path from some place to the end, as a linked list.
  private record Suffix(int place, int arc, Suffix rest, double score, double bound) {}

  /// The `n` best segmentations, the best first; fewer if there are fewer.
  ///
  /// A* from the end: what is missing of a partial path is bounded by the best score from the
  /// beginning, which Viterbi knows exactly. So paths come out in order, and nothing is explored that
  /// is worse than the n-th.
  ///
  /// @throws IllegalArgumentException if n is less than 1
  public List<Path> best(int n) {
    if (n < 1) throw new IllegalArgumentException("n must be at least 1, was " + n);
    double[] best = new double[text.length() + 1];
    for (int place = 1; place < best.length; place++) {
      best[place] = Double.NEGATIVE_INFINITY;
      for (int arc : ending.get(place)) best[place] = Math.max(best[place], term(arc, 1, best));
    }
    PriorityQueue<Suffix> agenda =
        new PriorityQueue<>(Comparator.comparingDouble(Suffix::bound).reversed());
    agenda.add(new Suffix(text.length(), -1, null, 0, best[text.length()]));
    List<Path> paths = new ArrayList<>();
    while (paths.size() < n && !agenda.isEmpty()) {
      Suffix suffix = agenda.remove();
      if (suffix.place == 0) {
        paths.add(path(suffix));
        continue;
      }
      for (int arc : ending.get(suffix.place)) {
        int from = arcs.get(arc).from();
        double score = suffix.score + scores.get(arc);
        agenda.add(new Suffix(from, arc, suffix, score, best[from] + score));
      }
    }
    return paths;
  }

  private Path path(Suffix whole) {
    List<Segment> segments = new ArrayList<>();
    for (Suffix s = whole; s.rest != null; s = s.rest) segments.add(arcs.get(s.arc));
    return new Path(List.copyOf(segments), whole.score);
  }

  /// Draws one of the `n` best segmentations, by P among them.
  public Path sampleOfBest(int n, double alpha, RandomGenerator random) {
    checkAlpha(alpha);
    List<Path> paths = best(n);
    double most = alpha * paths.getFirst().score;
    double sum = 0;
    for (Path path : paths) sum += Math.exp(alpha * path.score - most);
    double uniform = random.nextDouble() * sum;
    for (Path path : paths) {
      uniform -= Math.exp(alpha * path.score - most);
      if (uniform < 0) return path;
    }
    return paths.getLast();
  }

  private static void checkAlpha(double alpha) {
    if (!(alpha >= 0 && alpha < Double.POSITIVE_INFINITY))
      throw new IllegalArgumentException("alpha must be 0 or more and finite, was " + alpha);
  }
}
