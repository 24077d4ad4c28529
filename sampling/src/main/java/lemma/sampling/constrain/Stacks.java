package lemma.sampling.constrain;

import java.util.Arrays;

/// A set of stacks of states, as a tree from their tops: what is open in a text, in every reading
/// of it that is still possible.
///
/// ```
/// { empty? } ∪ { tops[i] · s : s ∈ below[i] }
/// ```
///
/// Equal sets are one object ([Automaton] sees to it), so sets share what lies deeper, and a number
/// of stacks that grows exponentially with a text takes only as many objects as the text is long.
final class Stacks {
  /// Whether the empty stack is in the set: the text is complete.
  final boolean empty;

  /// Ascending.
  final int[] tops;

  final Stacks[] below;

  /// States in the longest stack.
  final int depth;

  private final int hash;

  Stacks(boolean empty, int[] tops, Stacks[] below) {
    this.empty = empty;
    this.tops = tops;
    this.below = below;
    int deepest = 0;
    int hash = Boolean.hashCode(empty) + 31 * Arrays.hashCode(tops);
    for (Stacks rest : below) {
      deepest = Math.max(deepest, rest.depth + 1);
      hash = 31 * hash + System.identityHashCode(rest);
    }
    this.depth = deepest;
    this.hash = hash;
  }

  @Override
  public int hashCode() {
    return hash;
  }

  @Override
  public boolean equals(Object other) {
    if (!(other instanceof Stacks that)) return false;
    if (empty != that.empty || !Arrays.equals(tops, that.tops)) return false;
    for (int i = 0; i < below.length; i++) if (below[i] != that.below[i]) return false;
    return true;
  }
}
