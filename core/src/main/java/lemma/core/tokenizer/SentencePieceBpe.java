package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/// Byte-pair encoding by score, as SentencePiece and Llama 2 do it.
///
/// ```
/// start with single characters
/// while some neighbours, joined, are a piece:
///   join those with the highest score, the leftmost of several
/// ```
///
/// There is no list of merges: any two neighbours whose text together is a piece may join, however
/// that piece was learned. The vocabulary with its scores says it all.
///
/// A piece of type unused may still join, as a step to longer ones; left over, it falls apart again.
///
/// The text is one piece from end to end, spaces being characters, so a heap of the pairs is needed:
/// O(n log n).
///
/// Kudo & Richardson 2018, arXiv:1808.06226. Answer: `tokenizer/sentencepiece.md`.
public final class SentencePieceBpe implements PieceModel {
  private static final int NONE = -1;

  private final List<SentencePiece> pieces;
  private final PieceTrie trie = new PieceTrie();
  private final PieceTrie reserved = new PieceTrie();
  private final PieceTrie userDefined = new PieceTrie();
  private final int[] ranks; // by id: 0 for the highest score
  private final int unknownId;

  /// @param pieces by id
  /// @throws IllegalArgumentException if two pieces have the same text, or not exactly one is unknown
  public SentencePieceBpe(List<SentencePiece> pieces) {
    this.pieces = List.copyOf(pieces);
    unknownId = PieceModel.unknownId(pieces);
    TreeSet<Double> scores = new TreeSet<>();
    for (SentencePiece piece : pieces) scores.add(piece.score() + 0.0); // −0 and 0 are the same
    List<Double> ascending = List.copyOf(scores);
    ranks = new int[pieces.size()];
    for (int id = 0; id < ranks.length; id++) {
      SentencePiece piece = pieces.get(id);
      int place = Collections.binarySearch(ascending, piece.score() + 0.0);
      ranks[id] = ascending.size() - 1 - place;
      (piece.type().matches() ? trie : reserved).add(piece.text(), id);
      if (piece.type() == SentencePiece.Type.USER_DEFINED) userDefined.add(piece.text(), id);
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

  private boolean unused(int id) {
    return id != PieceTrie.NONE && pieces.get(id).type() == SentencePiece.Type.UNUSED;
  }

  @Override
  public List<Segment> encode(String text) {
    return new Run(text).run();
  }

  /// One text as a linked list of symbols, with the pairs that could be joined.
  private final class Run {
    private final String text;
    private final int[] begin; // by symbol
    private final int[] end;
    private final int[] next;
    private final int[] previous;
    private final boolean[] frozen; // user-defined pieces never join
    private final int symbols;
    private final LongHeap pairs = new LongHeap(); // rank, then position
    private final Map<String, Integer> splits = new HashMap<>(); // of unused pieces: the left part

    Run(String text) {
      this.text = text;
      int most = text.length();
      begin = new int[most];
      end = new int[most];
      next = new int[most];
      previous = new int[most];
      frozen = new boolean[most];
      int count = 0;
      for (int at = 0; at < most; count++) {
        int match = userDefined.longestMatch(text, at);
        frozen[count] = match != PieceTrie.NONE;
        begin[count] = at;
        at = frozen[count] ? match : at + Character.charCount(text.codePointAt(at));
        end[count] = at;
        previous[count] = count - 1;
        next[count] = at < most ? count + 1 : NONE;
      }
      symbols = count;
    }

    List<Segment> run() {
      for (int i = 0; i < symbols; i++) offer(i);
      while (!pairs.isEmpty()) {
        long pair = pairs.remove();
        int left = (int) pair;
        int id = joined(left);
        boolean still = id != PieceTrie.NONE && ranks[id] == (int) (pair >> 32);
        if (!still) continue; // one of the two was joined away since
        int right = next[left];
        end[left] = end[right];
        begin[right] = NONE;
        next[left] = next[right];
        if (next[left] != NONE) previous[next[left]] = left;
        offer(previous[left]);
        offer(left);
      }
      List<Segment> segments = new ArrayList<>();
      for (int i = symbols == 0 ? NONE : 0; i != NONE; i = next[i])
        resolve(begin[i], end[i], segments);
      return segments;
    }

    private void offer(int left) {
      int id = joined(left);
      if (id == PieceTrie.NONE) return;
      pairs.add((long) ranks[id] << 32 | left);
      if (unused(id))
        splits.put(text.substring(begin[left], end[next[left]]), end[left] - begin[left]);
    }

    /// The piece that a symbol and the one behind it would form, or [PieceTrie#NONE].
    private int joined(int left) {
      if (left == NONE || begin[left] == NONE || next[left] == NONE) return PieceTrie.NONE;
      int right = next[left];
      boolean never = frozen[left] || frozen[right] || end[right] - begin[left] > trie.longest();
      return never ? PieceTrie.NONE : trie.find(text, begin[left], end[right]);
    }

    private void resolve(int from, int to, List<Segment> segments) {
      int id = reserved.find(text, from, to);
      if (id == PieceTrie.NONE) id = trie.find(text, from, to);
      Integer split = unused(id) ? splits.get(text.substring(from, to)) : null;
      if (split != null) {
        resolve(from, from + split, segments);
        resolve(from + split, to, segments);
        return;
      }
      segments.add(new Segment(id == PieceTrie.NONE ? unknownId : id, from, to));
    }
  }
}
