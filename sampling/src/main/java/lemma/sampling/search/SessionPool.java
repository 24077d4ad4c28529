package lemma.sampling.search;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lemma.core.model.LanguageModel;

/// A [NextToken] that remembers: a few sessions, of which each text continues the one that shares
/// most of it.
///
/// ```
/// session = argmax of the common prefix, of equals the one not used for longest
/// rewind to the common prefix, append the rest
/// ```
///
/// With as many sessions as a search has beams nearly every step costs a token a beam: a beam that
/// forks takes the session of one that was dropped, and reads again only what is behind their fork.
/// The logits of a text do not depend on the sessions. For one thread.
final class SessionPool implements NextToken {
  /// A session, what it has read, and when it was last asked.
  private static final class Reader {
    final LanguageModel.Session session;
    int[] text = {};
    long used;

    Reader(LanguageModel.Session session) {
      this.session = session;
    }
  }

  private final LanguageModel model;
  private final int size;
  private final List<Reader> readers = new ArrayList<>();
  private long clock;
  private long appended;

  SessionPool(LanguageModel model, int size) {
    if (size < 1) throw new IllegalArgumentException("sessions must be 1 or more, were " + size);
    this.model = model;
    this.size = size;
  }

  /// Tokens that the sessions have read in all.
  long appended() {
    return appended;
  }

  @Override
  public double[] logits(int[] text) {
    Reader reader = reader(text);
    // the last token is read again even if all of the text is known: its logits are wanted
    int known = Math.min(common(reader.text, text), text.length - 1);
    reader.session.rewind(known);
    reader.text = Arrays.copyOf(text, known);
    float[] logits = reader.session.append(Arrays.copyOfRange(text, known, text.length));
    reader.text = text.clone();
    reader.used = ++clock;
    appended += text.length - known;
    double[] wide = new double[logits.length];
    Arrays.setAll(wide, i -> logits[i]);
    return wide;
  }

  /// The reader to go on with. A new one is made, while there may be more, if the best would have
  /// to forget what another text may still need.
  private Reader reader(int[] text) {
    Reader best = null;
    int most = -1;
    for (Reader reader : readers) {
      int common = common(reader.text, text);
      if (common > most || common == most && reader.used < best.used) {
        best = reader;
        most = common;
      }
    }
    if (best != null && (most == best.text.length || readers.size() == size)) return best;
    Reader added = new Reader(model.open());
    readers.add(added);
    return added;
  }

  private static int common(int[] a, int[] b) {
    int mismatch = Arrays.mismatch(a, b);
    return mismatch < 0 ? a.length : mismatch;
  }
}
