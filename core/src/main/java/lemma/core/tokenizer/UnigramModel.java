package lemma.core.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The unigram language model as a step of Hugging Face's `tokenizer.json`: [Unigram] with unknown
/// neighbours as one, and their bytes instead if asked.
public final class UnigramModel implements TokenModel {
  private final Vocabulary vocabulary;
  private final Unigram unigram;
  private final boolean byteFallback;
  private final int[] byteIds = new int[256];

  /// @param byteFallback whether unknown characters become their bytes, `<0xE4>`, if all are there
  public UnigramModel(Unigram unigram, boolean byteFallback) {
    this.vocabulary = new Vocabulary(unigram.pieces().stream().map(SentencePiece::text).toList());
    this.unigram = unigram;
    this.byteFallback = byteFallback;
    Arrays.setAll(byteIds, b -> vocabulary.id("<0x%02X>".formatted(b)).orElse(-1));
  }

  @Override
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  @Override
  public List<Segment> tokenize(String piece) {
    List<Segment> segments = new ArrayList<>();
    for (Segment each : Segment.fused(unigram.encode(piece), unigram.unknownId()))
      if (each.id() == unigram.unknownId() && byteFallback) segments.addAll(bytes(piece, each));
      else segments.add(each);
    return segments;
  }

  /// The bytes of an unknown part, each of which stands for all of it.
  private List<Segment> bytes(String piece, Segment unknown) {
    List<Segment> bytes = new ArrayList<>();
    for (byte b : piece.substring(unknown.from(), unknown.to()).getBytes(StandardCharsets.UTF_8)) {
      int id = byteIds[b & 0xFF];
      if (id == -1) return List.of(unknown);
      bytes.add(new Segment(id, unknown.from(), unknown.to()));
    }
    return bytes;
  }
}
