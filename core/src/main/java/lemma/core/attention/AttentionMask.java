package lemma.core.attention;

import lemma.core.tensor.Tensor;

/// Which key a query may look at, by their positions in the text.
///
/// Query and key positions count from the start of the text, so one mask serves a whole text, a
/// chunk of it behind a cache, and a single step of decoding. Masks compose with [#and] and [#or].
///
/// | mask | query i may look at key j if |
/// |---|---|
/// | [Causal] | j ≤ i |
/// | [Bidirectional] | always |
/// | [Prefix] | j < length, or j ≤ i |
/// | [SlidingWindow] | i − window < j ≤ i: `window` keys, the query's own among them |
/// | [SinkWindow] | j < sinks or i − window < j, and j ≤ i |
/// | [Neighbourhood] | abs(i − j) ≤ distance |
/// | [Chunked] | j ≤ i, both in the same block of `size` |
/// | [Padding] | key j is a real token |
/// | [Packed] | both belong to the same document |
///
/// The first seven are [intervals][Interval]: all that the fast kernel needs to know of a query is
/// the first key and the last.
///
/// Vaswani et al. 2017, section 3.2.3, arXiv:1706.03762; Raffel et al. 2020, figure 3,
/// arXiv:1910.10683. Answer: `attention/attention-masks.md`.
public sealed interface AttentionMask {

  /// Whether the query at position `query` may look at the key at position `key`.
  boolean allows(int query, int key);

  /// Both must allow it.
  default AttentionMask and(AttentionMask other) {
    return new Both(this, other);
  }

  /// One of the two must allow it.
  default AttentionMask or(AttentionMask other) {
    return new Either(this, other);
  }

  /// 1 where a query must not look, `[queries, keys]`; the first query stands at `offset`, the
  /// number of cached tokens, and the first key at 0.
  ///
  /// @throws IllegalArgumentException if a number is negative
  default Tensor hidden(int queries, int keys, int offset) {
    if (queries < 0 || keys < 0 || offset < 0)
      throw new IllegalArgumentException(
          "queries, keys and offset must be 0 or more, were %d, %d, %d"
              .formatted(queries, keys, offset));
    double[] hidden = new double[Math.multiplyExact(queries, keys)];
    for (int i = 0; i < queries; i++)
      for (int j = 0; j < keys; j++) if (!allows(offset + i, j)) hidden[i * keys + j] = 1;
    return Tensor.ofShared(hidden, queries, keys);
  }

  /// A mask whose queries each see one unbroken run of keys, `first ≤ key < end`, and besides it the
  /// first [#sinks()] keys of the text, if `key < end`.
  sealed interface Interval extends AttentionMask {

    /// The first key that the query at position `query` may look at.
    int first(int query);

    /// The first key after that one that it may not look at.
    int end(int query);

    /// Keys at the start of the text that every query may look at.
    default int sinks() {
      return 0;
    }

    @Override
    default boolean allows(int query, int key) {
      return (key < sinks() || first(query) <= key) && key < end(query);
    }
  }

  /// No key after the query: what makes a decoder predict.
  record Causal() implements Interval {
    @Override
    public int first(int query) {
      return 0;
    }

    @Override
    public int end(int query) {
      return query + 1;
    }
  }

  /// Every key: an encoder, or cross-attention.
  record Bidirectional() implements Interval {
    @Override
    public int first(int query) {
      return 0;
    }

    @Override
    public int end(int query) {
      return Integer.MAX_VALUE;
    }
  }

  /// A prefix that everyone sees whole, then causal: a prefix language model.
  record Prefix(int length) implements Interval {
    public Prefix {
      require("prefix length", length, 0);
    }

    @Override
    public int first(int query) {
      return 0;
    }

    @Override
    public int end(int query) {
      return Math.max(length, query + 1);
    }
  }

  /// The last `window` keys, the query's own included, as Mistral counts them.
  record SlidingWindow(int window) implements Interval {
    public SlidingWindow {
      require("window", window, 1);
    }

    @Override
    public int first(int query) {
      return Math.max(0, query - window + 1);
    }

    @Override
    public int end(int query) {
      return query + 1;
    }
  }

  /// The first `sinks` keys and the last `window`: what a streaming cache still holds (Xiao et al.
  /// 2023, arXiv:2309.17453).
  record SinkWindow(int sinks, int window) implements Interval {
    public SinkWindow {
      require("sinks", sinks, 0);
      require("window", window, 1);
    }

    @Override
    public int first(int query) {
      return Math.max(0, query - window + 1);
    }

    @Override
    public int end(int query) {
      return query + 1;
    }
  }

  /// Keys at most `distance` away on either side.
  record Neighbourhood(int distance) implements Interval {
    public Neighbourhood {
      require("distance", distance, 0);
    }

    @Override
    public int first(int query) {
      return Math.max(0, query - distance);
    }

    @Override
    public int end(int query) {
      return (int) Math.min(Integer.MAX_VALUE, 1L + query + distance);
    }
  }

  /// Causal within blocks of `size` positions.
  record Chunked(int size) implements Interval {
    public Chunked {
      require("chunk size", size, 1);
    }

    @Override
    public int first(int query) {
      return query / size * size;
    }

    @Override
    public int end(int query) {
      return query + 1;
    }
  }

  /// Keys that are real tokens; queries are not restricted. Positions past the array are real.
  record Padding(boolean... real) implements AttentionMask {
    public Padding {
      real = real.clone();
    }

    @Override
    public boolean[] real() {
      return real.clone();
    }

    @Override
    public boolean allows(int query, int key) {
      return key >= real.length || real[key];
    }
  }

  /// Keys of the query's own document, for several documents packed into one row.
  record Packed(int... documents) implements AttentionMask {
    public Packed {
      documents = documents.clone();
    }

    @Override
    public int[] documents() {
      return documents.clone();
    }

    @Override
    public boolean allows(int query, int key) {
      if (query >= documents.length || key >= documents.length)
        throw new IllegalArgumentException(
            "positions %d and %d need a document, there are %d"
                .formatted(query, key, documents.length));
      return documents[query] == documents[key];
    }
  }

  /// What [#and] makes.
  record Both(AttentionMask first, AttentionMask second) implements AttentionMask {
    @Override
    public boolean allows(int query, int key) {
      return first.allows(query, key) && second.allows(query, key);
    }
  }

  /// What [#or] makes.
  record Either(AttentionMask first, AttentionMask second) implements AttentionMask {
    @Override
    public boolean allows(int query, int key) {
      return first.allows(query, key) || second.allows(query, key);
    }
  }

  private static void require(String name, int value, int least) {
    if (value < least)
      throw new IllegalArgumentException(
          "%s must be %d or more, was %d".formatted(name, least, value));
  }
}
