package lemma.core.cache;

import java.util.Arrays;

/// A fixed number of pages for the keys and values of many texts, counted by their readers.
///
/// ```
/// page = keys and values of pageTokens consecutive positions, [heads, pageTokens, headDim] each
/// ```
///
/// A page belongs to nobody, to one [PagedKvCache], or to several that have the same text so far;
/// it is free again when the last of them lets go. All layers and all texts of one shape of heads
/// may draw on one pool. Its methods may be called from several threads.
///
/// No room is wasted but the rest of each text's last page, and any free page serves any text: there
/// is nothing to fragment.
///
/// Kwon et al. 2023, section 4, arXiv:2309.06180. Answer: `cache/kv-cache-variants.md`.
public final class PagePool {

  /// There are not enough free pages. Whoever catches it may close another text and try again.
  public static final class Exhausted extends IllegalStateException {
    private static final long serialVersionUID = 1;

    Exhausted(String message) {
      super(message);
    }
  }

  private final int heads;
  private final int headDim;
  private final int pageTokens;
  private final float[][] keys; // [pages]; a page has memory from its first use on
  private final float[][] values;
  private final int[] references; // [pages]
  private final int[] free; // a stack of [freeCount] pages
  private int freeCount;

  /// `pages` pages of `pageTokens` positions each. With a multiple of 64 positions the vectorised
  /// kernel takes the same steps as over a [ContiguousKvCache] and gives the same bits.
  ///
  /// @throws IllegalArgumentException if a number is not positive or a page does not fit an array
  public PagePool(int heads, int headDim, int pageTokens, int pages) {
    if (heads < 1 || headDim < 1 || pageTokens < 1 || pages < 1)
      throw new IllegalArgumentException(
          "heads, headDim, pageTokens and pages must be positive, were %d, %d, %d, %d"
              .formatted(heads, headDim, pageTokens, pages));
    CheckedKvCache.requireArray(heads, pageTokens, headDim);
    this.heads = heads;
    this.headDim = headDim;
    this.pageTokens = pageTokens;
    keys = new float[pages][];
    values = new float[pages][];
    references = new int[pages];
    free = new int[pages];
    freeCount = pages;
    for (int i = 0; i < pages; i++) free[i] = pages - 1 - i; // page 0 on top
  }

  public int heads() {
    return heads;
  }

  public int headDim() {
    return headDim;
  }

  /// Positions of a page.
  public int pageTokens() {
    return pageTokens;
  }

  /// Number of pages, free or not.
  public int pages() {
    return references.length;
  }

  /// Number of pages that nobody holds.
  public synchronized int freePages() {
    return freeCount;
  }

  /// How many times a page is held, over all texts: more than pages are taken if some are shared.
  public synchronized long references() {
    return Arrays.stream(references).asLongStream().sum();
  }

  /// Bytes of the pages that are held, each counted once however many share it.
  public synchronized long bytes() {
    return (pages() - freeCount) * pageBytes();
  }

  long pageBytes() {
    return 2L * Float.BYTES * heads * pageTokens * headDim;
  }

  /// Takes `count` free pages, or none.
  synchronized int[] take(int count) {
    if (count > freeCount)
      throw new Exhausted(
          "%d pages of %d positions are needed and %d of %d are free"
              .formatted(count, pageTokens, freeCount, pages()));
    int[] taken = new int[count];
    for (int i = 0; i < count; i++) {
      int page = free[--freeCount];
      if (keys[page] == null) {
        keys[page] = new float[heads * pageTokens * headDim];
        values[page] = new float[heads * pageTokens * headDim];
      }
      references[page] = 1;
      taken[i] = page;
    }
    return taken;
  }

  /// One more reader for each of the first `count` pages of a table.
  synchronized void share(int[] table, int count) {
    for (int i = 0; i < count; i++) references[table[i]]++;
  }

  synchronized void release(int page) {
    if (references[page] == 0) throw new IllegalStateException("page " + page + " is free already");
    if (--references[page] == 0) free[freeCount++] = page;
  }

  synchronized boolean shared(int page) {
    return references[page] > 1;
  }

  float[] keys(int page) {
    return keys[page];
  }

  float[] values(int page) {
    return values[page];
  }
}
