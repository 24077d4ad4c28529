package lemma.core.cache;

import java.util.Objects;

/// A [KvCache] in pages of a shared [PagePool]: a block table says which page holds which positions.
///
/// ```
/// row of position p  =  page table[p / pageTokens], row p mod pageTokens
/// ```
///
/// A [fork][#fork] takes the same pages and no memory. Full pages are never written again, so they
/// stay shared; the last, half-full one is copied by the first of its readers that appends to it.
///
/// Every cache must be closed, or rewound to 0, for its pages to return to the pool.
///
/// Kwon et al. 2023, section 4, arXiv:2309.06180. Answer: `cache/kv-cache-variants.md`.
public final class PagedKvCache extends CheckedKvCache implements AutoCloseable {
  private final PagePool pool;
  private int[] table;
  private boolean closed;

  /// An empty cache for texts of up to `capacity` tokens; it holds no page yet.
  ///
  /// @throws IllegalArgumentException if `capacity` is not positive
  public PagedKvCache(PagePool pool, int capacity) {
    this(pool, capacity, new int[4], 0);
  }

  private PagedKvCache(PagePool pool, int capacity, int[] table, int length) {
    super(pool.heads(), pool.headDim(), capacity, length);
    this.pool = pool;
    this.table = table;
  }

  /// A second text with the same tokens so far: it shares every page until one of the two writes.
  ///
  /// @throws IllegalStateException if this cache is closed
  public PagedKvCache fork() {
    requireOpen();
    pool.share(table, blocks());
    return new PagedKvCache(pool, capacity(), table.clone(), length());
  }

  private void requireOpen() {
    if (closed) throw new IllegalStateException("the cache is closed");
  }

  /// Pages for that many positions.
  private int pagesFor(int positions) {
    return (int) (((long) positions + pool.pageTokens() - 1) / pool.pageTokens());
  }

  /// @throws PagePool.Exhausted if the pool has too few free pages; then nothing is appended
  @Override
  void store(float[] newKeys, float[] newValues, int tokens) {
    requireOpen();
    int pages = blocks();
    int kept = length() % pool.pageTokens(); // rows of the last page that is written on
    boolean copied = kept > 0 && pool.shared(table[pages - 1]);
    int added = pagesFor(length() + tokens) - pages;
    int[] taken = pool.take(copied ? added + 1 : added);
    if (pages + added > table.length)
      table = java.util.Arrays.copyOf(table, Math.max(pages + added, 2 * table.length));
    System.arraycopy(taken, 0, table, pages, added);
    if (copied) copyOnWrite(pages - 1, taken[added], kept);
    for (int t = 0; t < tokens; t++) write(length() + t, newKeys, newValues, t);
  }

  private void copyOnWrite(int index, int page, int rows) {
    int before = table[index];
    for (int head = 0; head < heads(); head++) {
      int from = head * pool.pageTokens() * headDim();
      int count = rows * headDim();
      System.arraycopy(pool.keys(before), from, pool.keys(page), from, count);
      System.arraycopy(pool.values(before), from, pool.values(page), from, count);
    }
    table[index] = page;
    pool.release(before);
  }

  private void write(int position, float[] newKeys, float[] newValues, int token) {
    int page = table[position / pool.pageTokens()];
    int row = position % pool.pageTokens();
    for (int head = 0; head < heads(); head++) {
      int from = (token * heads() + head) * headDim();
      int to = (head * pool.pageTokens() + row) * headDim();
      System.arraycopy(newKeys, from, pool.keys(page), to, headDim());
      System.arraycopy(newValues, from, pool.values(page), to, headDim());
    }
  }

  @Override
  void drop(int newLength) {
    for (int index = pagesFor(newLength); index < blocks(); index++) pool.release(table[index]);
  }

  /// Gives every page back. A second call does nothing.
  @Override
  public void close() {
    rewind(0);
    closed = true;
  }

  @Override
  public Block block(int head, int index) {
    Objects.checkIndex(head, heads());
    Objects.checkIndex(index, blocks());
    int page = table[index];
    int first = index * pool.pageTokens();
    int from = head * pool.pageTokens() * headDim();
    int rows = Math.min(pool.pageTokens(), length() - first);
    return new Block(pool.keys(page), from, pool.values(page), from, rows, first);
  }

  @Override
  public int blocks() {
    return pagesFor(length());
  }

  /// Bytes of all its pages, shared ones among them; [PagePool#bytes] counts these once.
  @Override
  public long bytes() {
    return blocks() * pool.pageBytes();
  }
}
