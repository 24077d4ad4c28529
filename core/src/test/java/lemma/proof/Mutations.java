package lemma.proof;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.random.RandomGenerator;

/// Damaged copies of good files. A reader must either read each or refuse it with its own exception,
/// and take no more memory than it promises: a constant, and so much for each byte that is there.
///
/// ```
/// new Mutations(MyFormatException.class, 1 << 20, 32)
///     .words("{\"a\":", "1e999", "\u0000")
///     .prove(10_000, List.of(goodFile), random(7), bytes -> MyFile.parse(bytes), proof);
/// ```
///
/// A copy is made by one to three of: changed bits, changed bytes, a huge or negative number in place
/// of 1 to 8 bytes, bytes that are not UTF-8, a piece cut out, said again (once, or thousands of times:
/// deep nesting) or moved elsewhere, a piece of another good file, a word of the format put in or
/// over, the end cut off, bytes added.
public final class Mutations {
  /// Reads a file's bytes and looks at everything that it says.
  @FunctionalInterface
  public interface Reading {
    void read(byte[] bytes) throws Exception;
  }

  /// Reads a file.
  @FunctionalInterface
  public interface FileReading {
    void read(Path file) throws Exception;
  }

  private static final long[] NUMBERS = {
    0,
    1,
    -1,
    0x7F,
    0xFF,
    0x7FFF,
    0xFFFF,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    0xFFFFFFFFL,
    1L << 32,
    1L << 40,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    Long.MAX_VALUE / 8,
    Long.MAX_VALUE - 7
  };
  private static final byte[][] NOT_UTF8 = {
    {(byte) 0xFF}, {(byte) 0xC0, (byte) 0x80}, {(byte) 0xED, (byte) 0xA0, (byte) 0x80},
    {(byte) 0xF4, (byte) 0x90, (byte) 0x80, (byte) 0x80}, {(byte) 0xE2, (byte) 0x82}, {(byte) 0x80}
  };
  private static final int LONGEST = 1 << 17;

  private final Class<? extends Exception> refusal;
  private final long memory;
  private final int memoryForAByte;
  private final List<byte[]> words;

  /// @param refusal the only exception that a reader may throw
  /// @param memory bytes of the heap that it may take for any file, garbage included
  /// @param memoryForAByte bytes that it may take beside that for each byte of the file
  public Mutations(Class<? extends Exception> refusal, long memory, int memoryForAByte) {
    this(refusal, memory, memoryForAByte, List.of());
  }

  private Mutations(
      Class<? extends Exception> refusal, long memory, int memoryForAByte, List<byte[]> words) {
    this.refusal = refusal;
    this.memory = memory;
    this.memoryForAByte = memoryForAByte;
    this.words = words;
  }

  /// The same with pieces that mean something in the format, as ISO 8859-1: opcodes, brackets, keys.
  public Mutations words(String... words) {
    List<byte[]> bytes =
        Arrays.stream(words).map(word -> word.getBytes(StandardCharsets.ISO_8859_1)).toList();
    return new Mutations(refusal, memory, memoryForAByte, bytes);
  }

  /// Reads `copies` damaged copies of the good files, each of which can be read itself.
  public void prove(
      int copies, List<byte[]> good, RandomGenerator random, Reading reading, Proof proof)
      throws Exception {
    for (byte[] bytes : good) reading.read(bytes); // also loads the classes, which is not counted
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    int refused = 0;
    long beyond = 0;
    for (int copy = 0; copy < copies; copy++) {
      byte[] bytes = mutated(good, random);
      long before = threads.getCurrentThreadAllocatedBytes();
      if (!isRead(bytes, reading, "damaged copy " + copy)) refused++;
      long taken = threads.getCurrentThreadAllocatedBytes() - before;
      beyond = Math.max(beyond, taken - (long) memoryForAByte * bytes.length);
      assertThat(beyond)
          .as("bytes taken for damaged copy %d of %d bytes", copy, bytes.length)
          .isLessThanOrEqualTo(memory);
    }
    proof.measured("damaged files", copies);
    proof.atMost("bytes taken beyond %d for a byte".formatted(memoryForAByte), beyond, memory);
    proof.atLeast("refused", refused, copies / 4.0); // else the damage was none
  }

  /// The same with each copy in a file.
  public void proveInFile(
      int copies,
      List<byte[]> good,
      RandomGenerator random,
      Path file,
      FileReading reading,
      Proof proof)
      throws Exception {
    prove(
        copies,
        good,
        random,
        bytes -> {
          Files.write(file, bytes);
          reading.read(file);
        },
        proof);
  }

  private boolean isRead(byte[] bytes, Reading reading, String which) {
    try {
      reading.read(bytes);
      return true;
    } catch (Throwable thrown) { // errors, too: none may escape a reader
      if (refusal.isInstance(thrown)) {
        assertThat(thrown.getMessage())
            .as("message for " + which)
            .isNotBlank()
            .doesNotContain("\n");
        return false;
      }
      throw new AssertionError(
          "%s, %d bytes %s: %s".formatted(which, bytes.length, head(bytes), thrown), thrown);
    }
  }

  private static String head(byte[] bytes) {
    return HexFormat.of().formatHex(bytes, 0, Math.min(64, bytes.length));
  }

  /// One damaged copy of one of the good files.
  public byte[] mutated(List<byte[]> good, RandomGenerator random) {
    byte[] bytes = good.get(random.nextInt(good.size()));
    byte[] other = good.get(random.nextInt(good.size()));
    for (int i = random.nextInt(1, 4); i > 0 && bytes.length > 0; i--)
      bytes = damaged(bytes, other, random);
    return bytes;
  }

  private byte[] damaged(byte[] bytes, byte[] other, RandomGenerator random) {
    int at = random.nextInt(bytes.length);
    int end = at + length(bytes.length - at, random);
    return switch (random.nextInt(words.isEmpty() ? 10 : 12)) {
      case 0 -> flipped(bytes, random);
      case 1 -> replaced(bytes, at, end, randomBytes(end - at, random));
      case 2 -> number(bytes, random);
      case 3 -> {
        byte[] piece = NOT_UTF8[random.nextInt(NOT_UTF8.length)];
        yield replaced(bytes, at, Math.min(bytes.length, at + piece.length), piece);
      }
      case 4 -> replaced(bytes, at, end, new byte[0]);
      case 5 -> replaced(bytes, at, at, Arrays.copyOfRange(bytes, at, end));
      case 6 -> replaced(bytes, at, at, repeated(Arrays.copyOfRange(bytes, at, end), random));
      case 7 -> {
        int from = random.nextInt(other.length);
        yield replaced(
            bytes,
            at,
            end,
            Arrays.copyOfRange(other, from, Math.min(other.length, from + end - at)));
      }
      case 8 -> Arrays.copyOf(bytes, at);
      case 9 -> replaced(bytes, bytes.length, bytes.length, randomBytes(end - at, random));
      case 10 -> replaced(bytes, at, at, word(random));
      default -> {
        byte[] word = word(random);
        yield replaced(bytes, at, Math.min(bytes.length, at + word.length), word);
      }
    };
  }

  /// Mostly short, at times up to all.
  private static int length(int most, RandomGenerator random) {
    return random.nextInt(1, 1 + (random.nextInt(4) == 0 ? most : Math.min(most, 16)));
  }

  private static byte[] flipped(byte[] bytes, RandomGenerator random) {
    byte[] copy = bytes.clone();
    for (int i = random.nextInt(1, 5); i > 0; i--)
      copy[random.nextInt(copy.length)] ^= (byte) (1 << random.nextInt(8));
    return copy;
  }

  /// A number of 1 to 8 bytes, in either byte order, mostly where one is aligned.
  private static byte[] number(byte[] bytes, RandomGenerator random) {
    byte[] copy = bytes.clone();
    int width = 1 << random.nextInt(4);
    int at = random.nextInt(copy.length);
    if (random.nextBoolean()) at -= at % width;
    long number = NUMBERS[random.nextInt(NUMBERS.length)];
    boolean little = random.nextBoolean();
    for (int i = 0; i < width && at + i < copy.length; i++)
      copy[at + i] = (byte) (number >> 8 * (little ? i : width - 1 - i));
    return copy;
  }

  private static byte[] repeated(byte[] piece, RandomGenerator random) {
    int times = random.nextInt(4) == 0 ? random.nextInt(1, 10_000) : random.nextInt(1, 20);
    var out = new ByteArrayOutputStream();
    for (int i = 0; i < times && out.size() + piece.length <= LONGEST; i++) out.writeBytes(piece);
    return out.toByteArray();
  }

  private byte[] word(RandomGenerator random) {
    byte[] word = words.get(random.nextInt(words.size()));
    return random.nextInt(4) == 0 ? repeated(word, random) : word;
  }

  private static byte[] randomBytes(int count, RandomGenerator random) {
    byte[] bytes = new byte[count];
    random.nextBytes(bytes);
    return bytes;
  }

  private static byte[] replaced(byte[] bytes, int from, int to, byte[] piece) {
    byte[] copy = new byte[from + piece.length + bytes.length - to];
    System.arraycopy(bytes, 0, copy, 0, from);
    System.arraycopy(piece, 0, copy, from, piece.length);
    System.arraycopy(bytes, to, copy, from + piece.length, bytes.length - to);
    return copy;
  }
}
