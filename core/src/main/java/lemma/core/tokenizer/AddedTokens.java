package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Finds added tokens in a text: the leftmost, and of several at one place the longest.
public final class AddedTokens {

  /// A part of a text: an added token, or text between (`token` is null).
  public record Section(int from, int to, AddedToken token) {}

  /// A token and what it looks like in the text.
  private record Name(String text, AddedToken token) {}

  private final BitSet first = new BitSet(); // chars that some name begins with
  private final BitSet firstOrdinary = new BitSet(); // of tokens that are not special
  private final Map<Character, List<Name>> byFirst = new HashMap<>();

  /// Looks for tokens by their content.
  public AddedTokens(List<AddedToken> tokens) {
    this(tokens, new Normalizer.None());
  }

  /// Looks for tokens by their content as the normaliser leaves it.
  public AddedTokens(List<AddedToken> tokens, Normalizer normalizer) {
    for (AddedToken token : tokens) {
      String text = normalizer.apply(AlignedText.of(token.content())).text();
      if (text.isEmpty()) continue;
      first.set(text.charAt(0));
      if (!token.special()) firstOrdinary.set(text.charAt(0));
      byFirst.computeIfAbsent(text.charAt(0), c -> new ArrayList<>()).add(new Name(text, token));
    }
    for (List<Name> names : byFirst.values())
      names.sort(Comparator.comparing((Name name) -> name.text().length()).reversed());
  }

  /// A text as added tokens and what lies between, without a gap.
  ///
  /// @param special whether special tokens are found too
  public List<Section> sections(String text, boolean special) {
    List<Section> sections = new ArrayList<>();
    BitSet begins = special ? first : firstOrdinary;
    int done = 0;
    for (int at = 0; at < text.length() && !begins.isEmpty(); ) {
      Name name = begins.get(text.charAt(at)) ? longest(text, at) : null;
      if (name == null) {
        at++;
        continue;
      }
      int from = at;
      int to = at + name.text().length();
      at = to;
      AddedToken token = name.token();
      if (token.special() && !special) continue;
      if (token.singleWord() && touchesWord(text, from, to)) continue;
      while (token.stripLeft() && from > done && CharacterClass.whiteSpace(text.charAt(from - 1)))
        from--;
      while (token.stripRight() && to < text.length() && CharacterClass.whiteSpace(text.charAt(to)))
        to++;
      if (from > done) sections.add(new Section(done, from, null));
      sections.add(new Section(from, to, token));
      done = to;
      at = to;
    }
    if (done < text.length()) sections.add(new Section(done, text.length(), null));
    return sections;
  }

  private Name longest(String text, int at) {
    for (Name name : byFirst.get(text.charAt(at)))
      if (text.startsWith(name.text(), at)) return name;
    return null;
  }

  private static boolean touchesWord(String text, int from, int to) {
    return from > 0 && CharacterClass.word(text.codePointBefore(from))
        || to < text.length() && CharacterClass.word(text.codePointAt(to));
  }
}
