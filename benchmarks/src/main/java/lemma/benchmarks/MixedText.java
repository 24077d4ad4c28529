package lemma.benchmarks;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import lemma.core.tokenizer.Tokenizer;

/// A text of English, Chinese and code, told by chance from the words that a vocabulary holds.
///
/// Tokens of a trained vocabulary stand in the order of their frequency, so Zipf's law over them
/// gives words as often as a text has them. Some words are made of two, so that not every word is a
/// token.
final class MixedText {
  private static final double FLATTENING = 20; // of Zipf's law for the most frequent words
  private static final double COMPOUND = 0.06;

  private final RandomGenerator random;
  private final List<String> english = new ArrayList<>();
  private final List<String> chinese = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();

  private MixedText(Tokenizer vocabulary, RandomGenerator random) {
    this.random = random;
    for (int id = 256; id < Math.min(vocabulary.vocabularySize(), 100_000); id++) {
      String token = new String(vocabulary.bytes(id), StandardCharsets.UTF_8);
      if (token.matches(" [a-z]{2,}")) english.add(token.substring(1));
      if (token.codePoints().allMatch(c -> c >= 0x4E00 && c <= 0x9FFF)) chinese.add(token);
    }
    // a vocabulary without Chinese words still meets them
    for (int c = 0x4E00; chinese.size() < 2000; c += 7) chinese.add(Character.toString(c));
  }

  /// @param size of the text in bytes of UTF-8, about
  static String of(Tokenizer vocabulary, int size, RandomGenerator random) {
    var mixed = new MixedText(vocabulary, random);
    for (int bytes = 0; bytes < size; ) {
      int from = mixed.text.length();
      switch (random.nextInt(5)) {
        case 0 -> mixed.chinese();
        case 1 -> mixed.code();
        default -> mixed.english();
      }
      bytes += mixed.text.substring(from).getBytes(StandardCharsets.UTF_8).length;
    }
    return mixed.text.append("end").toString();
  }

  private String one(List<String> words) {
    double most = Math.log1p(words.size() / FLATTENING);
    return words.get((int) (FLATTENING * Math.expm1(random.nextDouble() * most)) % words.size());
  }

  private String word() {
    return random.nextDouble() < COMPOUND ? one(english) + one(english) : one(english);
  }

  private void english() {
    for (int sentence = 0; sentence < 8; sentence++) {
      String first = word();
      text.append(Character.toUpperCase(first.charAt(0))).append(first.substring(1));
      int words = 5 + random.nextInt(15);
      for (int i = 0; i < words; i++) {
        if (random.nextInt(10) == 0) text.append(',');
        text.append(' ');
        if (random.nextInt(30) == 0) text.append(random.nextInt(3000));
        else text.append(word());
        if (random.nextInt(40) == 0) text.append("'s");
      }
      text.append(random.nextInt(8) == 0 ? "? " : ". ");
    }
    text.append("\n\n");
  }

  private void chinese() {
    for (int sentence = 0; sentence < 8; sentence++) {
      int words = 4 + random.nextInt(16);
      for (int i = 0; i < words; i++) {
        text.append(one(chinese));
        if (random.nextInt(8) == 0) text.append('，');
      }
      text.append('。');
    }
    text.append('\n');
  }

  private void code() {
    String name = one(english) + "_" + one(english);
    text.append("def ").append(name).append("(self, ").append(one(english)).append("):\n");
    for (int line = 0; line < 8; line++) {
      String variable = one(english);
      text.append(random.nextBoolean() ? "    " : "        ");
      switch (random.nextInt(4)) {
        case 0 ->
            text.append("if ")
                .append(variable)
                .append(" >= ")
                .append(random.nextInt(100))
                .append(":  # ")
                .append(word());
        case 1 -> text.append(variable).append("[i] = self.").append(name).append("(x, y + 1)");
        case 2 ->
            text.append("return {\"")
                .append(variable)
                .append("\": ")
                .append(word())
                .append(" / 0x")
                .append(Integer.toHexString(random.nextInt(1 << 16)))
                .append('}');
        default ->
            text.append(variable)
                .append(" = [")
                .append(word())
                .append(" for i in range(")
                .append(random.nextInt(1000))
                .append(")]");
      }
      text.append('\n');
    }
    text.append('\n');
  }
}
