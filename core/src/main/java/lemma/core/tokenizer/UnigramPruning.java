package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import lemma.core.tokenizer.UnigramLattice.Path;

/// Which pieces a vocabulary can do without.
///
/// ```
/// loss(x) = share of the words' occurrences that use x · (ln p(x) − Σ ln p(y) over the second best y… for x)
/// ```
///
/// Without x, its text falls into the pieces of its second best segmentation, whose frequencies grow
/// by that of x. That the best segmentation of a whole word could then be another one is not looked
/// at: the loss is an estimate.
///
/// Kudo 2018, section 3.2, step 2. Answer: `tokenizer/sentencepiece.md`.
final class UnigramPruning {
  private final Unigram model;
  private final Set<String> characters;
  private final double[] frequency; // how often each piece is used in the best segmentations
  private final double[] occurrences; // of the words that use it
  private double uses;
  private double allOccurrences;

  private record Candidate(int id, double loss) {}

  UnigramPruning(Unigram model, Map<String, Long> words, Set<String> characters) {
    this.model = model;
    this.characters = characters;
    frequency = new double[model.pieces().size()];
    occurrences = new double[model.pieces().size()];
    words.forEach((word, times) -> {
      List<Segment> best = model.encode(word);
      for (Segment segment : best) frequency[segment.id()] += times;
      best.stream().mapToInt(Segment::id).distinct().forEach(id -> occurrences[id] += times);
      uses += (double) times * best.size();
      allOccurrences += times;
    });
  }

  /// About `count` pieces with their scores: every character, what has no other segmentation, and of
  /// the rest those whose loss would cost most.
  Map<String, Double> keep(int count) {
    Map<String, Double> kept = new LinkedHashMap<>();
    List<Candidate> candidates = new ArrayList<>();
    for (int id = 0; id < frequency.length; id++) {
      if (id == model.unknownId()) continue;
      String text = model.pieces().get(id).text();
      List<Path> paths = model.lattice(text).best(2);
      boolean whole = paths.getFirst().segments().size() == 1;
      if (characters.contains(text) || whole && frequency[id] > 0 && paths.size() == 1)
        kept.put(text, model.pieces().get(id).score());
      else if (whole && frequency[id] > 0)
        candidates.add(new Candidate(id, loss(id, paths.getLast().segments())));
    }
    candidates.sort(Comparator.comparingDouble(Candidate::loss).reversed());
    for (Candidate each : candidates) {
      if (kept.size() >= count) break;
      SentencePiece piece = model.pieces().get(each.id);
      kept.put(piece.text(), piece.score());
    }
    return kept;
  }

  private double loss(int id, List<Segment> alternative) {
    double with = Math.log(frequency[id] / uses);
    double usesWithout = uses + frequency[id] * (alternative.size() - 1);
    double without = 0;
    for (Segment part : alternative)
      without += Math.log((frequency[part.id()] + frequency[id]) / usesWithout);
    return occurrences[id] / allOccurrences * (with - without);
  }
}
