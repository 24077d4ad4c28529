package lemma.sampling.constrain;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/// Runs a [Network] byte by byte, on all readings at once, and remembers every step that it has
/// taken: a deterministic automaton whose states are made when a text first needs them.
///
/// ```
/// step(S, b) = close { target · s : (state · s) ∈ S, state —b→ target }
/// close:  ε edge         state · s  ⇒  target · s
///         call of r      state · s  ⇒  start(r) · back · s
///         end of a rule  state · s  ⇒  s
/// ```
///
/// Without calls this is the subset construction, and finite. With calls the states are sets of
/// stacks, and there are as many as the text calls for.
///
/// One automaton serves one thread. Its memory is bounded: when it holds too much it forgets, and
/// makes again what is still needed.
///
/// Thompson 1968, *Regular expression search algorithm*; Tomita 1987 (stacks that share).
final class Automaton {
  /// Rules that may be open at once; in a text that has reached it none can be opened further.
  static final int MAX_DEPTH = 500;

  /// States of the network that may be active at once.
  static final int MAX_ACTIVE = 2048;

  private static final int MAX_WORK = 1_000_000;
  private static final int MAX_REMEMBERED = 4_000_000;

  private static final Stacks NOTHING = new Stacks(false, new int[0], new Stacks[0]);
  private static final Stacks ONLY_EMPTY = new Stacks(true, new int[0], new Stacks[0]);

  /// A state: what is open, and where each byte leads as far as it is known.
  static final class State {
    final Stacks stacks;
    private final State[] next;

    private State(Stacks stacks, int classes) {
      this.stacks = stacks;
      this.next = new State[classes];
    }

    /// Whether the text is complete.
    boolean mayEnd() {
      return stacks.empty;
    }
  }

  private final Network network;
  private final State dead = new State(NOTHING, 0);
  private final Map<Stacks, Stacks> known = new HashMap<>();
  private final Map<Stacks, State> states = new HashMap<>();
  private int remembered;

  // scratch of one step
  private final TreeMap<Integer, Stacks> reached = new TreeMap<>();
  private final Map<Pair, Stacks> unions = new HashMap<>();
  private final ArrayDeque<Item> pending = new ArrayDeque<>();
  private boolean complete;
  private int work;

  private record Item(int state, Stacks below) {}

  /// Two sets by identity.
  private record Pair(Stacks a, Stacks b) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Pair that && a == that.a && b == that.b;
    }

    @Override
    public int hashCode() {
      return 31 * System.identityHashCode(a) + System.identityHashCode(b);
    }
  }

  Automaton(Network network) {
    this.network = network;
  }

  /// Before the first byte.
  State start() {
    enter(network.start, ONLY_EMPTY);
    return close();
  }

  /// After another byte; null if no text of the constraint goes on like this.
  State step(State from, byte read) {
    int readClass = network.byteClasses[read & 0xFF] & 0xFF;
    State next = from.next[readClass];
    if (next == null) from.next[readClass] = next = compute(from.stacks, read & 0xFF);
    return next == dead ? null : next;
  }

  private State compute(Stacks from, int read) {
    for (int i = 0; i < from.tops.length; i++) {
      int[] edges = network.bytes[from.tops[i]];
      for (int e = 0; e < edges.length; e += 3)
        if (edges[e] <= read && read <= edges[e + 1]) enter(edges[e + 2], from.below[i]);
    }
    return close();
  }

  /// Follows everything that reads nothing; the states that wait for a byte make up the new set.
  private State close() {
    while (!pending.isEmpty()) {
      Item item = pending.pop();
      int state = item.state;
      Stacks below = item.below;
      for (int target : network.silent[state]) enter(target, below);
      int[] calls = network.calls[state];
      for (int c = 0; c < calls.length; c += 2)
        if (below.depth < MAX_DEPTH) enter(calls[c], push(calls[c + 1], below));
      if (network.finals.get(state)) {
        complete |= below.empty;
        for (int i = 0; i < below.tops.length; i++) enter(below.tops[i], below.below[i]);
      }
    }
    int waiting = 0;
    for (int state : reached.keySet()) if (network.bytes[state].length > 0) waiting++;
    if (waiting > MAX_ACTIVE) {
      reset();
      throw new IllegalArgumentException(
          "the constraint can be in more than %d places at once: lower its repetition counts"
              .formatted(MAX_ACTIVE));
    }
    int[] tops = new int[waiting];
    Stacks[] below = new Stacks[waiting];
    int i = 0;
    for (var entry : reached.entrySet()) {
      if (network.bytes[entry.getKey()].length == 0) continue;
      tops[i] = entry.getKey();
      below[i++] = entry.getValue();
    }
    boolean empty = complete;
    reset();
    if (waiting == 0 && !empty) return dead;
    Stacks stacks = unique(new Stacks(empty, tops, below));
    remembered += 8 + network.representatives.length;
    return states.computeIfAbsent(stacks, set -> new State(set, network.representatives.length));
  }

  private void reset() {
    reached.clear();
    unions.clear();
    pending.clear();
    complete = false;
    work = 0;
    if (remembered <= MAX_REMEMBERED) return;
    known.clear();
    states.clear();
    remembered = 0;
  }

  /// Reaches a state with these stacks below it, unless that is known already.
  private void enter(int state, Stacks below) {
    if (++work > MAX_WORK) {
      reset();
      throw new IllegalArgumentException(
          "the grammar is too ambiguous: more than %d ways to read one byte".formatted(MAX_WORK));
    }
    Stacks before = reached.get(state);
    Stacks after = before == null ? below : union(before, below);
    if (after == before) return;
    reached.put(state, after);
    pending.push(new Item(state, below));
  }

  /// `below` with a state on top of each stack; a state that only returns need not be kept.
  private Stacks push(int state, Stacks below) {
    if (network.returns.get(state)) return below;
    return unique(new Stacks(false, new int[] {state}, new Stacks[] {below}));
  }

  private Stacks union(Stacks a, Stacks b) {
    if (a == b || b == NOTHING) return a;
    if (a == NOTHING) return b;
    Pair pair = new Pair(a, b);
    Stacks union = unions.get(pair);
    if (union != null) return union;
    work++;
    int[] tops = new int[a.tops.length + b.tops.length];
    Stacks[] below = new Stacks[tops.length];
    int i = 0;
    int j = 0;
    int n = 0;
    while (i < a.tops.length || j < b.tops.length) {
      int left = i < a.tops.length ? a.tops[i] : Integer.MAX_VALUE;
      int right = j < b.tops.length ? b.tops[j] : Integer.MAX_VALUE;
      tops[n] = Math.min(left, right);
      below[n++] =
          left == right ? union(a.below[i], b.below[j]) : left < right ? a.below[i] : b.below[j];
      if (left <= right) i++;
      if (right <= left) j++;
    }
    union = unique(new Stacks(a.empty || b.empty, Arrays.copyOf(tops, n), Arrays.copyOf(below, n)));
    unions.put(pair, union);
    return union;
  }

  /// The one object for this set.
  private Stacks unique(Stacks set) {
    if (set.tops.length == 0) return set.empty ? ONLY_EMPTY : NOTHING;
    Stacks same = known.putIfAbsent(set, set);
    if (same != null) return same;
    remembered += 8 + 2 * set.tops.length;
    return set;
  }
}
