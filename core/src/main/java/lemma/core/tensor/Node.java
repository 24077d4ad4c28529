package lemma.core.tensor;

import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.PriorityQueue;

/// One step on the tape: which nodes it came from and how a gradient flows back to them.
///
/// Nodes are immutable and know only their parents, so threads may build tapes over the same leaves
/// at once. A node is deeper than all of its parents: taking the deepest first visits every node
/// after all of its uses, without recursion.
final class Node {
  /// Adds to `into[i]` what the gradient of the result says about parent `i`; `into[i]` is `null`
  /// where nobody needs it. Two parents may be the same tensor, hence the same array: only add.
  interface Backward {
    void step(double[] gradient, double[][] into);
  }

  /// The backward step of an operation with one parent.
  interface UnaryBackward {
    void step(double[] gradient, double[] into);
  }

  private static final Node[] NONE = {};

  private final Node[] parents; // null for a parent that needs no gradient
  private final Backward backward;
  private final int depth;
  private final int count;

  private Node(Node[] parents, Backward backward, int depth, int count) {
    this.parents = parents;
    this.backward = backward;
    this.depth = depth;
    this.count = count;
  }

  static Node leaf(int count) {
    return new Node(NONE, null, 0, count);
  }

  boolean isLeaf() {
    return backward == null;
  }

  /// The result of an operation: on the tape if one of its parents is.
  static Tensor result(double[] data, int[] shape, Backward backward, Tensor... parents) {
    Node[] nodes = new Node[parents.length];
    int depth = 0;
    for (int i = 0; i < nodes.length; i++) {
      nodes[i] = parents[i].node;
      if (nodes[i] != null) depth = Math.max(depth, nodes[i].depth + 1);
    }
    Node node = depth == 0 ? null : new Node(nodes, backward, depth, data.length);
    return new Tensor(data, shape, node);
  }

  static Tensor unary(double[] data, int[] shape, UnaryBackward backward, Tensor parent) {
    return result(data, shape, (g, into) -> backward.step(g, into[0]), parent);
  }

  /// Walks the tape back from here; a buffer is dropped as soon as its node has passed it on.
  Gradients backward(double[] seed) {
    Map<Node, double[]> leaves = new LinkedHashMap<>();
    Map<Node, double[]> open = new HashMap<>();
    PriorityQueue<Node> deepestFirst =
        new PriorityQueue<>(Comparator.comparingInt((Node node) -> -node.depth));
    open.put(this, seed);
    deepestFirst.add(this);
    while (!deepestFirst.isEmpty()) {
      Node node = deepestFirst.remove();
      double[] gradient = open.remove(node);
      if (node.isLeaf()) {
        leaves.put(node, gradient);
        continue;
      }
      double[][] into = new double[node.parents.length][];
      for (int i = 0; i < into.length; i++) {
        Node parent = node.parents[i];
        if (parent == null) continue;
        into[i] = open.get(parent);
        if (into[i] == null) {
          into[i] = new double[parent.count];
          open.put(parent, into[i]);
          deepestFirst.add(parent);
        }
      }
      node.backward.step(gradient, into);
    }
    return new Gradients(leaves);
  }
}
