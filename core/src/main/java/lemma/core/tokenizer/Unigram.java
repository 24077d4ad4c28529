package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The unigram language model: a text falls into the pieces whose probabilities have the largest
/// product.
///
/// ```
/// best(end) = max over pieces text[start, end) of  best(start) + ln p(piece),   best(0) = 0
/// ```
///
/// A character that is no piece by itself can be taken as unknown, for ln p = min − 10: less likely
/// than every piece. A user-defined piece has ln p ≈ −0.1, more than any other.
///
/// [#encode] keeps one best predecessor for each end (Viterbi): a text of n characters costs n walks
/// down a prefix tree. [#lattice] keeps all pieces, for what needs more than the best.
///
/// Kudo 2018, section 3.1, arXiv:1804.10959. Answer: `tokenizer/sentencepiece.md`.
public final class Unigram implements PieceModel {
  private static final double UNKNOWN_PENALTY = 10;
  private static final double USER_DEFINED_PENALTY = 0.1;
  private static final int NONE = -1;

  /// In which numbers scores are added up. Segmentations that are permutations of each other, `aa·a`
  /// and `a·aa`, have the same score, and rounding decides.
  public enum Sums {
    /// SentencePiece.
    FLOAT32,
    /// Hugging Face's tokenizers.
    FLOAT64
  }

  private final List<SentencePiece> pieces;
  private final Sums sums;
  private final PieceTrie trie = new PieceTrie();
  private final double[] scores;
  private final int unknownId;
  private final double unknownScore;

  /// @param pieces by id; those of the types control, byte and unknown never match a text
  /// @throws IllegalArgumentException if two pieces have the same text, or not exactly one is unknown
  public Unigram(List<SentencePiece> pieces, Sums sums) {
    this.pieces = List.copyOf(pieces);
    this.sums = sums;
    this.unknownId = PieceModel.unknownId(pieces);
    double least = Double.POSITIVE_INFINITY;
    double most = 0;
    for (SentencePiece piece : pieces)
      if (piece.type() == SentencePiece.Type.NORMAL) {
        least = Math.min(least, piece.score());
        most = Math.max(most, piece.score());
      }
    unknownScore = (least == Double.POSITIVE_INFINITY ? 0 : least) - UNKNOWN_PENALTY;
    scores = new double[pieces.size()];
    for (int id = 0; id < scores.length; id++) {
      SentencePiece piece = pieces.get(id);
      scores[id] =
          piece.type() == SentencePiece.Type.USER_DEFINED
              ? piece.text().codePointCount(0, piece.text().length()) * most - USER_DEFINED_PENALTY
              : piece.score();
      if (piece.type().matches()) trie.add(piece.text(), id);
    }
  }

  @Override
  public List<SentencePiece> pieces() {
    return pieces;
  }

  @Override
  public int unknownId() {
    return unknownId;
  }

  /// The best segmentation of a normalised text. Of several, the one whose last pieces are longest.
  @Override
  public List<Segment> encode(String text) {
    double[] best = new double[text.length() + 1];
    int[] from = new int[text.length() + 1];
    int[] ids = new int[text.length() + 1];
    Arrays.fill(from, NONE);
    arcs(
        text,
        (id, start, end, score) -> {
          double candidate = best[start] + score;
          if (from[end] != NONE && candidate <= best[end]) return;
          best[end] = sums == Sums.FLOAT32 ? (float) candidate : candidate;
          from[end] = start;
          ids[end] = id;
        });
    List<Segment> backwards = new ArrayList<>();
    for (int end = text.length(); end > 0; end = from[end])
      backwards.add(new Segment(ids[end], from[end], end));
    return List.copyOf(backwards.reversed());
  }

  /// All segmentations of a normalised text.
  public UnigramLattice lattice(String text) {
    return new UnigramLattice(this, text);
  }

  /// A piece that stands at a place of the text.
  @FunctionalInterface
  interface Arc {
    void visit(int id, int from, int to, double score);
  }

  /// Visits every piece at every place, by its beginning, the shorter ones first.
  void arcs(String text, Arc arc) {
    int next;
    for (int start = 0; start < text.length(); start = next) {
      next = start + Character.charCount(text.codePointAt(start));
      boolean covered = false;
      int node = PieceTrie.ROOT;
      for (int end = start; end < text.length(); ) {
        int codePoint = text.codePointAt(end);
        node = trie.child(node, codePoint);
        if (node == PieceTrie.NONE) break;
        end += Character.charCount(codePoint);
        int id = trie.id(node);
        if (id == PieceTrie.NONE || pieces.get(id).type() == SentencePiece.Type.UNUSED) continue;
        arc.visit(id, start, end, scores[id]);
        covered |= end == next;
      }
      if (!covered) arc.visit(unknownId, start, next, unknownScore);
    }
  }
}
