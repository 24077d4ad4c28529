package lemma.core.tokenizer;

import java.text.Normalizer.Form;
import java.util.Arrays;

/// Unicode's normal forms: characters composed or decomposed, and with K what only looks different
/// made the same.
///
/// Unicode Standard Annex #15.
public enum UnicodeForm implements Normalizer {
  NFC(Form.NFC),
  NFD(Form.NFD),
  NFKC(Form.NFKC),
  NFKD(Form.NFKD);

  private final Form form;

  UnicodeForm(Form form) {
    this.form = form;
  }

  @Override
  public AlignedText apply(AlignedText text) {
    String characters = text.text();
    if (java.text.Normalizer.isNormalized(characters, form)) return text;
    var edit = new AlignedText.Edit(characters.length());
    for (int from = 0; from < characters.length(); ) {
      int to = from + Character.charCount(characters.codePointAt(from));
      while (to < characters.length() && !begins(characters.codePointAt(to)))
        to += Character.charCount(characters.codePointAt(to));
      normalise(text, from, to, edit);
      from = to;
    }
    return edit.done();
  }

  /// Whether nothing in front of a character can change with it: it is no mark that moves or joins,
  /// and no vowel or final consonant of a Hangul syllable.
  private static boolean begins(int c) {
    if (c < 0x300) return true;
    int first = java.text.Normalizer.normalize(Character.toString(c), Form.NFKD).codePointAt(0);
    return !CharacterClass.mark(first) && !(first >= 0x1160 && first <= 0x11FF);
  }

  /// A character and what may change with it. Each new one comes from the first old one that it was
  /// made of.
  private void normalise(AlignedText text, int from, int to, AlignedText.Edit edit) {
    String part = text.text().substring(from, to);
    int[] made = java.text.Normalizer.normalize(part, form).codePoints().toArray();
    int[] elements = new int[0]; // of the old characters, decomposed
    int[] origin = new int[0];
    for (int i = 0; i < part.length(); ) {
      int c = part.codePointAt(i);
      int[] parts = decomposed(c);
      elements = Arrays.copyOf(elements, elements.length + parts.length);
      origin = Arrays.copyOf(origin, elements.length);
      System.arraycopy(parts, 0, elements, elements.length - parts.length, parts.length);
      Arrays.fill(origin, elements.length - parts.length, elements.length, from + i);
      i += Character.charCount(c);
    }
    int unused = 0;
    for (int c : made) {
      int at = Integer.MAX_VALUE;
      for (int element : decomposed(c)) {
        while (unused < elements.length && elements[unused] == -1) unused++;
        int k = unused;
        while (k < elements.length && elements[k] != element) k++;
        if (k == elements.length) continue;
        at = Math.min(at, origin[k]);
        elements[k] = -1; // each is used once
      }
      if (at == Integer.MAX_VALUE) at = from;
      edit.add(c, text.start(at), text.end(at));
    }
  }

  private static int[] decomposed(int c) {
    return java.text.Normalizer.normalize(Character.toString(c), Form.NFKD).codePoints().toArray();
  }
}
