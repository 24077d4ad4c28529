package lemma.core.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The stack machine of Python's pickles, without the instructions that run code.
///
/// A pickle is a program: it pushes values, gathers them into lists and dictionaries, and may name any
/// function of Python (`GLOBAL`) and call it (`REDUCE`). Here a name is looked up among those that
/// [Globals] knows and means what it says, which is to build a value; any other is refused by name,
/// before anything else happens.
///
/// | Python | here |
/// |---|---|
/// | `None`, `True`, 7, 2¹⁰⁰, 0.5, text | `null`, `Boolean`, `Long`, `BigInteger`, `Double`, `String` |
/// | bytes | [MemorySegment] |
/// | list, tuple, dict | `ArrayList`, [Tuple], `LinkedHashMap` |
///
/// Source: CPython `Lib/pickletools.py`, protocols 2 to 5.
final class Pickle {
  /// Instructions that a program may have: a bound on the memory that a million empty dictionaries can
  /// take, some 150 MB, and far beyond the thirty or forty that a tensor needs.
  static final int MOST_STEPS = 1 << 21;

  /// Values that may wait on the stack: Python's own pickler puts a thousand pairs at most.
  static final int DEEPEST_STACK = 100_000;

  private static final Object MARK = new Object();

  /// A tuple: fixed, and as the arguments of a call.
  record Tuple(List<Object> values) {}

  /// What the names in a pickle mean.
  interface Globals {
    /// What stands for `module.name` on the stack, or null if it is not known.
    Object named(String global);

    /// The value of calling what [#named] gave.
    Object call(Object callable, List<Object> arguments);

    /// The value that is stored outside of the pickle.
    Object persistent(Object id);
  }

  private final Path file;
  private final ByteCursor code;
  private final Globals globals;
  private final List<Object> stack = new ArrayList<>();
  private final Map<Long, Object> memo = new HashMap<>();

  Pickle(Path file, MemorySegment bytes, Globals globals) {
    this.file = file;
    this.globals = globals;
    code = new ByteCursor(file, bytes, ByteOrder.LITTLE_ENDIAN, 0);
  }

  /// Runs the program to its end and gives its value.
  ///
  /// @throws FormatException if it is damaged, or does what is not allowed
  Object run() {
    for (int step = 0; step < MOST_STEPS; step++) {
      int opcode = code.u8("instruction");
      if (opcode == '.') {
        if (stack.size() != 1)
          throw bad("ends with %d values instead of one".formatted(stack.size()));
        return pop();
      }
      step(opcode);
      if (stack.size() > DEEPEST_STACK)
        throw bad("has more than " + DEEPEST_STACK + " open values");
    }
    throw bad("has more than " + MOST_STEPS + " instructions");
  }

  private void step(int opcode) {
    switch (opcode) {
      case 0x80 -> protocol(); // PROTO
      case 0x95 -> code.i64("FRAME"); // its size is of no use here
      case '(' -> stack.add(MARK);
      case '0' -> pop(); // POP
      case '1' -> popToMark(); // POP_MARK
      case '2' -> stack.add(top()); // DUP
      case 'N' -> stack.add(null);
      case 0x88 -> stack.add(true); // NEWTRUE
      case 0x89 -> stack.add(false); // NEWFALSE
      case 'J' -> stack.add((long) code.i32("BININT"));
      case 'K' -> stack.add((long) code.u8("BININT1"));
      case 'M' -> stack.add((long) code.u16("BININT2"));
      case 0x8a -> stack.add(integer(code.u8("LONG1")));
      case 'G' -> stack.add(Double.longBitsToDouble(Long.reverseBytes(code.i64("BINFLOAT"))));
      case 'X' -> stack.add(code.text(code.u32("BINUNICODE"), "BINUNICODE"));
      case 0x8c -> stack.add(code.text(code.u8("SHORT_BINUNICODE"), "SHORT_BINUNICODE"));
      case 0x8d -> stack.add(code.text(code.i64("BINUNICODE8"), "BINUNICODE8"));
      case 'T' -> stack.add(code.text(code.u32("BINSTRING"), "BINSTRING")); // written by Python 2
      case 'U' -> stack.add(code.text(code.u8("SHORT_BINSTRING"), "SHORT_BINSTRING"));
      case 'B' -> stack.add(code.slice(code.u32("BINBYTES"), "BINBYTES"));
      case 'C' -> stack.add(code.slice(code.u8("SHORT_BINBYTES"), "SHORT_BINBYTES"));
      case ']' -> stack.add(new ArrayList<>(0));
      case 'a' -> append(tuple(1).values()); // APPEND
      case 'e' -> append(popToMark()); // APPENDS
      case 'l' -> stack.add(popToMark()); // LIST
      case ')' -> stack.add(new Tuple(List.of()));
      case 0x85 -> stack.add(tuple(1)); // TUPLE1
      case 0x86 -> stack.add(tuple(2));
      case 0x87 -> stack.add(tuple(3));
      case 't' -> stack.add(new Tuple(popToMark())); // TUPLE
      case '}' -> stack.add(new LinkedHashMap<>());
      case 's' -> setItems(tuple(2).values()); // SETITEM
      case 'u' -> setItems(popToMark()); // SETITEMS
      case 'd' -> { // DICT
        List<Object> items = popToMark();
        stack.add(new LinkedHashMap<>());
        setItems(items);
      }
      case 'q' -> memo.put((long) code.u8("BINPUT"), topValue());
      case 'r' -> memo.put(code.u32("LONG_BINPUT"), topValue());
      case 0x94 -> memo.put((long) memo.size(), topValue()); // MEMOIZE
      case 'h' -> recall(code.u8("BINGET"));
      case 'j' -> recall(code.u32("LONG_BINGET"));
      case 'c' -> stack.add(global(line("GLOBAL"), line("GLOBAL")));
      case 0x93 -> { // STACK_GLOBAL
        List<Object> names = tuple(2).values();
        if (!(names.get(0) instanceof String module) || !(names.get(1) instanceof String name))
          throw bad("names a global by something else than text");
        stack.add(global(module, name));
      }
      case 'Q' -> stack.add(globals.persistent(popValue())); // BINPERSID
      case 'R' -> reduce();
      case 'b' -> build();
      default ->
          throw bad(
              "has instruction 0x%02x at byte %d, which is not allowed"
                  .formatted(opcode, code.position() - 1));
    }
  }

  private void protocol() {
    int protocol = code.u8("PROTO");
    if (protocol < 2 || protocol > 5)
      throw bad("has protocol %d, 2 to 5 can be read".formatted(protocol));
  }

  private Object integer(int length) {
    byte[] little = code.slice(length, "LONG1").toArray(ValueLayout.JAVA_BYTE);
    byte[] big = new byte[length + 1]; // one more, so that none is empty
    for (int i = 0; i < length; i++) big[length - i] = little[i];
    if (length > 0 && little[length - 1] < 0) big[0] = -1;
    BigInteger value = new BigInteger(big);
    if (value.bitLength() < Long.SIZE) return value.longValue();
    return value;
  }

  private String line(String what) {
    MemorySegment rest = code.rest();
    long length = 0;
    while (length < rest.byteSize() && rest.get(ValueLayout.JAVA_BYTE, length) != '\n') length++;
    String line = code.text(length, what);
    code.u8(what);
    return line;
  }

  private Object global(String module, String name) {
    Object known = globals.named(module + "." + name);
    if (known == null)
      throw bad(
          "asks for %s.%s, which is not allowed: nothing of it was run".formatted(module, name));
    return known;
  }

  private void reduce() {
    List<Object> call = tuple(2).values();
    if (!(call.get(1) instanceof Tuple arguments))
      throw bad("calls with something else than a tuple");
    stack.add(globals.call(call.get(0), arguments.values()));
  }

  /// Attributes of an object. Only dictionaries come with some (`_metadata` of a state), and those say
  /// nothing about the weights.
  private void build() {
    popValue();
    if (!(topValue() instanceof Map))
      throw bad("sets attributes of something else than a dictionary");
  }

  @SuppressWarnings("unchecked") // only this class makes lists
  private void append(List<Object> values) {
    if (!(topValue() instanceof ArrayList<?> list))
      throw bad("appends to something else than a list");
    ((List<Object>) list).addAll(values);
  }

  @SuppressWarnings("unchecked") // only this class makes dictionaries
  private void setItems(List<Object> items) {
    if (!(topValue() instanceof LinkedHashMap<?, ?> map) || items.size() % 2 != 0)
      throw bad("sets items of something else than a dictionary, or half of one");
    for (int i = 0; i < items.size(); i += 2) {
      Object key = items.get(i);
      if (!(key instanceof String) && !(key instanceof Long)) // others might hash without end
      throw bad("has a key that is neither text nor an integer of 64 bits");
      ((Map<Object, Object>) map).put(key, items.get(i + 1));
    }
  }

  private void recall(long index) {
    if (!memo.containsKey(index)) throw bad("recalls value " + index + ", which was not kept");
    stack.add(memo.get(index));
  }

  private Tuple tuple(int size) {
    Object[] values = new Object[size];
    for (int i = size - 1; i >= 0; i--) values[i] = popValue();
    return new Tuple(Arrays.asList(values));
  }

  private List<Object> popToMark() {
    int mark = stack.lastIndexOf(MARK);
    if (mark < 0) throw bad("ends a group that was not begun");
    List<Object> tail = stack.subList(mark + 1, stack.size());
    List<Object> values = new ArrayList<>(tail);
    stack.subList(mark, stack.size()).clear();
    return values;
  }

  private Object pop() {
    if (stack.isEmpty()) throw bad("takes a value from an empty stack");
    return stack.removeLast();
  }

  private Object popValue() {
    Object value = pop();
    if (value == MARK) throw bad("takes a mark for a value");
    return value;
  }

  private Object top() {
    if (stack.isEmpty()) throw bad("takes a value from an empty stack");
    return stack.getLast();
  }

  private Object topValue() {
    Object value = top();
    if (value == MARK) throw bad("takes a mark for a value");
    return value;
  }

  private FormatException bad(String problem) {
    return new FormatException(file, "its pickle " + problem);
  }
}
