package lemma.core.jinja;

/// What one rendering may spend: a template from a stranger must end, and leave memory for others.
final class Budget {
  private static final long MOST_WORK = 1L << 25; // steps, characters made, and 16 for an item
  private static final int DEEPEST = 300; // expressions and macros inside of each other

  private long work;
  private int depth;

  /// To be called before `amount` characters or items are made, or for a step.
  void charge(long amount, int line) {
    if (amount < 0 || (work += amount) > MOST_WORK)
      throw new TemplateException(
          line, "the template takes more than %d steps and characters".formatted(MOST_WORK));
  }

  /// To be called before a list of `items` is made.
  void chargeItems(long items, int line) {
    charge(16 * items, line);
  }

  void enter(int line) {
    charge(1, line);
    if (++depth > DEEPEST)
      throw new TemplateException(line, "calls or operators go deeper than " + DEEPEST + " levels");
  }

  void leave() {
    depth--;
  }
}
