package lemma.core.tokenizer;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;

/// The way back: tokens as the vocabulary writes them become text.
///
/// Each record is one `decoder` of Hugging Face's `tokenizer.json`, by its name there. All of them
/// work on a stream; what each holds back is as little as it can be for the text to be the same as
/// that of all tokens at once.
public sealed interface Decoder permits Decoder.Joining, Decoder.Mapping, Decoder.Sequence {

  /// The decoder at the beginning of a text.
  DecodeStep open();

  /// A decoder that turns each token into another by itself.
  sealed interface Mapping extends Decoder permits Ctc, Metaspace, Replace, Spaces, WordPiece {

    /// A token as it is decoded.
    ///
    /// @param first whether it begins the text
    String map(String token, boolean first);

    @Override
    default DecodeStep open() {
      return new DecodeStep.OfTokens() {
        @Override
        void token(String token, boolean first, Sink out) {
          out.accept(map(token, first), true, true);
        }
      };
    }
  }

  /// A decoder for which neighbours matter.
  sealed interface Joining extends Decoder
      permits BpeDecoder, ByteFallback, ByteLevel, Fuse, Strip {}

  /// Whether tokens are bytes written as characters.
  default boolean readsBytes() {
    return switch (this) {
      case ByteLevel _ -> true;
      case Sequence(List<Decoder> steps) -> steps.stream().anyMatch(Decoder::readsBytes);
      default -> false;
    };
  }

  /// The bytes of a token inside of a text.
  default byte[] bytes(String token) {
    String text = token;
    for (Decoder step : this instanceof Sequence(List<Decoder> steps) ? steps : List.of(this)) {
      switch (step) {
        case Mapping mapping -> text = mapping.map(text, false);
        case BpeDecoder(String suffix) -> text = text.replace(suffix, " ");
        case ByteLevel _ -> {
          return ByteLevel.read(text);
        }
        case ByteFallback _ -> {
          int value = ByteFallback.value(text);
          if (value >= 0) return new byte[] {(byte) value};
        }
        case Sequence inner -> {
          return inner.bytes(text);
        }
        case Fuse _, Strip _ -> {}
      }
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /// Each in turn.
  record Sequence(List<Decoder> steps) implements Decoder {
    public Sequence {
      steps = List.copyOf(steps);
    }

    @Override
    public DecodeStep open() {
      List<DecodeStep> open = steps.stream().map(Decoder::open).toList();
      return new DecodeStep() {
        @Override
        public void accept(String text, boolean begins, boolean ends, Sink out) {
          from(0, out).accept(text, begins, ends);
        }

        private Sink from(int step, Sink out) {
          if (step == open.size()) return out;
          return (text, begins, ends) ->
              open.get(step).accept(text, begins, ends, from(step + 1, out));
        }

        @Override
        public void end(Sink out) {
          for (int i = 0; i < open.size(); i++) open.get(i).end(from(i + 1, out));
        }
      };
    }
  }

  /// No decoder: tokens with a space between them.
  record Spaces() implements Mapping {
    @Override
    public String map(String token, boolean first) {
      return first ? token : " " + token;
    }
  }

  /// `##able` continues a word, everything else begins one.
  ///
  /// @param cleanUp whether the space in front of punctuation and contractions goes
  record WordPiece(String prefix, boolean cleanUp) implements Mapping {
    @Override
    public String map(String token, boolean first) {
      String text =
          first ? token : token.startsWith(prefix) ? token.substring(prefix.length()) : " " + token;
      return cleanUp ? cleanUp(text) : text;
    }

    private static String cleanUp(String text) {
      return text.replace(" .", ".")
          .replace(" ?", "?")
          .replace(" !", "!")
          .replace(" ,", ",")
          .replace(" ' ", "'")
          .replace(" n't", "n't")
          .replace(" 'm", "'m")
          .replace(" do not", " don't")
          .replace(" 's", "'s")
          .replace(" 've", "'ve")
          .replace(" 're", "'re");
    }
  }

  /// `▁` is a space; in the first token it goes if one was put in front of the text.
  record Metaspace(String replacement, boolean prepended) implements Mapping {
    @Override
    public String map(String token, boolean first) {
      return token.replace(replacement, first && prepended ? "" : " ");
    }
  }

  /// Every match in a token replaced.
  record Replace(TextPattern pattern, String content) implements Mapping {
    @Override
    public String map(String token, boolean first) {
      return pattern.replace(token, content);
    }
  }

  /// Speech: a token that repeats the one before is left out, and so is the padding between.
  record Ctc(String padding, String delimiter, boolean cleanUp) implements Mapping {
    @Override
    public String map(String token, boolean first) {
      String text = token.replace(padding, "");
      return cleanUp ? WordPiece.cleanUp(text).replace(delimiter, " ") : text;
    }

    @Override
    public DecodeStep open() {
      return new DecodeStep.OfTokens() {
        private String before;

        @Override
        void token(String token, boolean first, Sink out) {
          if (token.equals(before)) return;
          before = token;
          String text = map(token, first);
          if (!text.isEmpty()) out.accept(text, true, true);
        }
      };
    }
  }

  /// A suffix marks the end of a word: it is a space, but not behind the last.
  record BpeDecoder(String suffix) implements Joining {
    @Override
    public DecodeStep open() {
      return new DecodeStep.OfTokens() {
        private String held;

        @Override
        void token(String token, boolean first, Sink out) {
          if (held != null) out.accept(held.replace(suffix, " "), true, true);
          held = token;
        }

        @Override
        public void end(Sink out) {
          if (held != null) out.accept(held.replace(suffix, ""), true, true);
        }
      };
    }
  }

  /// Characters that are bytes: [ByteAlphabet]. A token with other characters is taken as text.
  record ByteLevel() implements Joining {
    private static byte[] read(String token) {
      return ByteAlphabet.holds(token)
          ? ByteAlphabet.read(token)
          : token.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public DecodeStep open() {
      var utf8 = new Utf8DecodeStream(id -> new byte[0]);
      return new DecodeStep.OfTokens() {
        private boolean begun;

        @Override
        void token(String token, boolean first, Sink out) {
          out.accept(utf8.decode(read(token), false), first, false);
          begun = true;
        }

        @Override
        public void end(Sink out) {
          out.accept(utf8.decode(new byte[0], true), !begun, true);
        }
      };
    }
  }

  /// `<0xE4>` is a byte. A run of bytes that is no UTF-8 becomes U+FFFD for each of them, so a run is
  /// held until it ends.
  record ByteFallback() implements Joining {
    /// The byte that a token stands for, or −1.
    private static int value(String token) {
      if (token.length() != 6 || !token.startsWith("<0x") || !token.endsWith(">")) return -1;
      for (int i = 3; i < 5; i++) if (!HexFormat.isHexDigit(token.charAt(i))) return -1;
      return HexFormat.fromHexDigits(token, 3, 5);
    }

    @Override
    public DecodeStep open() {
      return new DecodeStep.OfTokens() {
        private final java.io.ByteArrayOutputStream run = new java.io.ByteArrayOutputStream();

        @Override
        void token(String token, boolean first, Sink out) {
          int value = value(token);
          if (value >= 0) {
            run.write(value);
            return;
          }
          end(out);
          out.accept(token, true, true);
        }

        @Override
        public void end(Sink out) {
          if (run.size() == 0) return;
          out.accept(text(run.toByteArray()), true, true);
          run.reset();
        }

        private static String text(byte[] bytes) {
          try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
          } catch (CharacterCodingException e) {
            return "\uFFFD".repeat(bytes.length);
          }
        }
      };
    }
  }

  /// All tokens are one from here on.
  record Fuse() implements Joining {
    @Override
    public DecodeStep open() {
      return new DecodeStep() {
        private boolean begun;

        @Override
        public void accept(String text, boolean begins, boolean ends, Sink out) {
          out.accept(text, !begun, false);
          begun = true;
        }

        @Override
        public void end(Sink out) {
          out.accept("", !begun, true);
        }
      };
    }
  }

  /// Takes up to so many of one character from the ends of each token.
  record Strip(char content, int left, int right) implements Joining {
    @Override
    public DecodeStep open() {
      return new DecodeStep() {
        private int toCut;
        private int held; // of the character at the end of what has come

        @Override
        public void accept(String text, boolean begins, boolean ends, Sink out) {
          if (begins) {
            toCut = left;
            held = 0;
          }
          int from = 0;
          while (toCut > 0 && from < text.length() && text.charAt(from) == content) {
            from++;
            toCut--;
          }
          if (from < text.length()) toCut = 0;
          String rest = String.valueOf(content).repeat(held) + text.substring(from);
          int to = rest.length();
          while (to > 0 && rest.length() - to < right && rest.charAt(to - 1) == content) to--;
          held = rest.length() - to;
          out.accept(rest.substring(0, to), begins, ends);
        }
      };
    }
  }
}
