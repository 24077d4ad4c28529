package lemma.sampling.constrain;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/// A recursive transition network: for each rule a finite automaton over bytes, some of whose edges
/// are calls of rules.
///
/// ```
/// state —[from–to]→ state      reads a byte
/// state ————ε—————→ state      reads nothing
/// state ——rule r——→ state      reads what r matches: enters r and comes back here
/// ```
///
/// A regular expression is a network of one rule without calls. States from which the end of their
/// rule cannot be reached are cut off, so a text that is still inside the network can be completed.
///
/// Woods 1970, *Transition Network Grammars for Natural Language Analysis*.
public final class Network {
  /// The largest network that is built.
  public static final int MAX_STATES = 50_000;

  /// Byte edges of a state: from, to, target, and so on.
  final int[][] bytes;

  /// Targets of its ε edges.
  final int[][] silent;

  /// Its calls: start of the rule, return state, and so on.
  final int[][] calls;

  /// Whether it ends its rule.
  final BitSet finals;

  /// Whether nothing but the end of the rule can follow: coming back here is coming back at once to
  /// where the rule was called from.
  final BitSet returns;

  /// The start of the rule that texts match.
  final int start;

  /// The class of each byte; bytes of a class appear in the same edges everywhere.
  final byte[] byteClasses;

  /// A byte of each class.
  final byte[] representatives;

  private Network(Builder builder, int start, BitSet finals) {
    BitSet alive = builder.reaching(finals, true);
    this.start = alive.get(start) ? start : -1;
    this.finals = finals;
    int size = builder.bytes.size();
    bytes = new int[size][];
    silent = new int[size][];
    calls = new int[size][];
    for (int s = 0; s < size; s++) {
      bytes[s] = builder.bytes.get(s).keep(3, edge -> alive.get(edge[2]));
      silent[s] = builder.silent.get(s).keep(1, edge -> alive.get(edge[0]));
      calls[s] = builder.calls.get(s).keep(2, edge -> alive.get(edge[0]) && alive.get(edge[1]));
    }
    returns = new BitSet(size);
    for (int s = 0; s < size; s++) if (onlyReturns(s)) returns.set(s);
    byteClasses = new byte[256];
    representatives = classify();
  }

  /// The network of `rules`, of which texts must match the one named `root`.
  ///
  /// @throws IllegalArgumentException if a rule is missing, calls itself before it has read
  ///     anything, or all of them together need more than [#MAX_STATES] states; or if no text
  ///     matches
  static Network of(Map<String, Expression> rules, String root) {
    var builder = new Builder();
    for (String name : rules.keySet())
      builder.rules.put(name, new int[] {builder.state(), builder.state()});
    BitSet finals = new BitSet();
    rules.forEach((name, body) -> {
      int[] ends = builder.rules.get(name);
      builder.add(body, ends[0], ends[1]);
      finals.set(ends[1]);
    });
    Network network = new Network(builder, builder.rule(root)[0], finals);
    if (network.start < 0)
      throw new IllegalArgumentException("no text of finite length matches " + root);
    network.checkLeftRecursion(builder.rules, builder.reaching(finals, false));
    return network;
  }

  /// Number of states.
  public int states() {
    return bytes.length;
  }

  private boolean onlyReturns(int state) {
    // chains of ε are short where it matters: sequences end in the state that they are given
    for (int hops = 0; hops < 8; hops++) {
      if (bytes[state].length > 0 || calls[state].length > 0) return false;
      if (silent[state].length == 0) return finals.get(state);
      if (silent[state].length > 1 || finals.get(state)) return false;
      state = silent[state][0];
    }
    return false;
  }

  private byte[] classify() {
    BitSet cuts = new BitSet(257);
    for (int[] edges : bytes)
      for (int e = 0; e < edges.length; e += 3) {
        cuts.set(edges[e]);
        cuts.set(edges[e + 1] + 1);
      }
    cuts.set(0);
    int[] firsts = cuts.stream().filter(b -> b < 256).toArray();
    int next = 0;
    for (int b = 0; b < 256; b++) {
      if (cuts.get(b)) next++;
      byteClasses[b] = (byte) (next - 1);
    }
    byte[] representatives = new byte[firsts.length];
    for (int i = 0; i < firsts.length; i++) representatives[i] = (byte) firsts[i];
    return representatives;
  }

  /// Rules that call themselves before a byte is read would never stop calling.
  private void checkLeftRecursion(Map<String, int[]> rules, BitSet nullable) {
    Map<Integer, String> names = new HashMap<>();
    rules.forEach((name, ends) -> names.put(ends[0], name));
    Map<Integer, Set<Integer>> first = new HashMap<>();
    for (int start : names.keySet()) first.put(start, leftCalls(start, nullable));
    BitSet done = new BitSet();
    for (int start : names.keySet()) {
      // depth first with a path of its own: grammars may be deeper than the thread's stack
      var path = new ArrayList<Integer>();
      var pending = new ArrayDeque<int[]>();
      pending.push(new int[] {start, 0});
      BitSet open = new BitSet();
      while (!pending.isEmpty()) {
        int[] top = pending.pop();
        while (path.size() > top[1]) {
          int closed = path.removeLast();
          open.clear(closed);
          done.set(closed);
        }
        if (open.get(top[0])) {
          path.add(top[0]);
          throw new IllegalArgumentException(
              "left recursion: "
                  + String.join(
                      " → ",
                      path.subList(path.indexOf(top[0]), path.size()).stream()
                          .map(names::get)
                          .toList())
                  + "; write the repetition as * or put the recursion last");
        }
        if (done.get(top[0])) continue;
        path.add(top[0]);
        open.set(top[0]);
        int depth = path.size();
        first.get(top[0]).forEach(called -> pending.push(new int[] {called, depth}));
      }
      path.forEach(done::set);
    }
  }

  /// The rules that are called before a byte is read.
  private Set<Integer> leftCalls(int start, BitSet nullable) {
    Set<Integer> called = new HashSet<>();
    Set<Integer> seen = new HashSet<>();
    var pending = new ArrayDeque<Integer>();
    pending.add(start);
    while (!pending.isEmpty()) {
      int state = pending.pop();
      if (!seen.add(state)) continue;
      for (int target : silent[state]) pending.add(target);
      for (int c = 0; c < calls[state].length; c += 2) {
        called.add(calls[state][c]);
        if (nullable.get(calls[state][c])) pending.add(calls[state][c + 1]);
      }
    }
    return called;
  }

  /// A growing list of numbers, several to an edge.
  private static final class Edges {
    private int[] values = {};
    private int size;

    void add(int... edge) {
      if (size + edge.length > values.length)
        values = Arrays.copyOf(values, Math.max(2 * size, size + edge.length));
      System.arraycopy(edge, 0, values, size, edge.length);
      size += edge.length;
    }

    int[] values() {
      return Arrays.copyOf(values, size);
    }

    int[] keep(int width, Predicate<int[]> wanted) {
      var kept = new Edges();
      for (int e = 0; e < size; e += width) {
        int[] edge = Arrays.copyOfRange(values, e, e + width);
        if (wanted.test(edge)) kept.add(edge);
      }
      return kept.values();
    }
  }

  /// Thompson's construction: adds out-edges to the first state and in-edges to the last only.
  private static final class Builder {
    final List<Edges> bytes = new ArrayList<>();
    final List<Edges> silent = new ArrayList<>();
    final List<Edges> calls = new ArrayList<>();
    final Map<String, int[]> rules = new HashMap<>();

    int state() {
      if (bytes.size() == MAX_STATES)
        throw new IllegalArgumentException(
            "the constraint needs more than %d states: lower its repetition counts"
                .formatted(MAX_STATES));
      bytes.add(new Edges());
      silent.add(new Edges());
      calls.add(new Edges());
      return bytes.size() - 1;
    }

    int[] rule(String name) {
      int[] ends = rules.get(name);
      if (ends == null) throw new IllegalArgumentException("rule " + name + " is not defined");
      return ends;
    }

    void add(Expression expression, int from, int to) {
      switch (expression) {
        case Expression.Characters one -> characters(one.set(), from, to);
        case Expression.Rule rule -> calls.get(from).add(rule(rule.name())[0], to);
        case Expression.Choice choice -> choice.options().forEach(option -> add(option, from, to));
        case Expression.Sequence sequence -> {
          int at = from;
          int last = sequence.parts().size() - 1;
          for (int i = 0; i < last; i++) {
            int next = state();
            add(sequence.parts().get(i), at, next);
            at = next;
          }
          if (last < 0) silent.get(from).add(to);
          else add(sequence.parts().get(last), at, to);
        }
        case Expression.Repeat(Expression body, int min, int max) -> {
          int at = from;
          for (int i = 0; i < min; i++) at = next(body, at);
          if (max == Expression.Repeat.UNBOUNDED) {
            int loop = state();
            silent.get(at).add(loop);
            add(body, loop, loop);
            at = loop;
          } else {
            for (int i = min; i < max; i++) {
              silent.get(at).add(to);
              at = next(body, at);
            }
          }
          silent.get(at).add(to);
        }
      }
    }

    private int next(Expression body, int at) {
      int next = state();
      add(body, at, next);
      return next;
    }

    /// The encodings of the characters; those with the same last bytes share their last states.
    private void characters(CodePoints set, int from, int to) {
      Map<List<CodePoints.Range>, Integer> suffixes = new HashMap<>();
      suffixes.put(List.of(), to);
      for (List<CodePoints.Range> sequence : set.utf8()) {
        for (int i = sequence.size() - 1; i >= 0; i--) {
          int target = suffixes.get(sequence.subList(i + 1, sequence.size()));
          CodePoints.Range range = sequence.get(i);
          if (i == 0) bytes.get(from).add(range.from(), range.to(), target);
          else if (!suffixes.containsKey(sequence.subList(i, sequence.size()))) {
            int state = state();
            suffixes.put(sequence.subList(i, sequence.size()), state);
            bytes.get(state).add(range.from(), range.to(), target);
          }
        }
      }
    }

    /// The states from which the end of their rule can be reached, found backwards from the ends;
    /// with or without reading bytes.
    BitSet reaching(BitSet finals, boolean reading) {
      int size = bytes.size();
      List<Edges> before = IntStream.range(0, size).mapToObj(s -> new Edges()).toList();
      List<Edges> callers = IntStream.range(0, size).mapToObj(s -> new Edges()).toList();
      for (int s = 0; s < size; s++) {
        int[] read = reading ? bytes.get(s).values() : new int[0];
        for (int e = 0; e < read.length; e += 3) before.get(read[e + 2]).add(s);
        for (int target : silent.get(s).values()) before.get(target).add(s);
        int[] called = calls.get(s).values();
        for (int e = 0; e < called.length; e += 2) {
          callers.get(called[e]).add(s, called[e + 1]);
          callers.get(called[e + 1]).add(s, called[e]);
        }
      }
      BitSet alive = new BitSet();
      var pending = new ArrayDeque<Integer>();
      finals.stream().forEach(pending::add);
      while (!pending.isEmpty()) {
        int state = pending.pop();
        if (alive.get(state)) continue;
        alive.set(state);
        for (int source : before.get(state).values()) pending.add(source);
        int[] sources = callers.get(state).values();
        for (int e = 0; e < sources.length; e += 2)
          if (alive.get(sources[e + 1])) pending.add(sources[e]);
      }
      return alive;
    }
  }
}
