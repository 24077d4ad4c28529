package lemma.core.tokenizer;

/// Two neighbours that become one symbol. The earlier a merge was learned, the earlier it is applied.
public record Merge(int left, int right, int merged) {

  /// Both symbols as one key.
  static long key(int left, int right) {
    return (long) left << 32 | right;
  }

  long key() {
    return key(left, right);
  }
}
