package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;
import lemma.core.format.FormatException;
import lemma.core.format.JsonFile;
import lemma.core.tokenizer.Metaspace.Prepending;
import lemma.core.tokenizer.PostProcessor.Special;
import tools.jackson.databind.JsonNode;

/// The steps around the model in a `tokenizer.json`, each told by its `type`.
final class StepsJson {
  private StepsJson() {}

  static Normalizer normalizer(JsonFile step) {
    return switch (step.text("type")) {
      case "Sequence" -> new Normalizer.Sequence(all(step, "normalizers", StepsJson::normalizer));
      case "NFC" -> UnicodeForm.NFC;
      case "NFD" -> UnicodeForm.NFD;
      case "NFKC" -> UnicodeForm.NFKC;
      case "NFKD" -> UnicodeForm.NFKD;
      case "Lowercase" -> new Normalizer.Lowercase();
      case "StripAccents" -> new Normalizer.StripAccents();
      case "Strip" ->
          new Normalizer.Strip(step.flag("strip_left", true), step.flag("strip_right", true));
      case "Replace" -> new Normalizer.Replace(pattern(step), step.text("content"));
      case "Prepend" -> new Normalizer.Prepend(step.text("prepend"));
      case "Nmt" -> new Normalizer.Nmt();
      case "ByteLevel" -> new Normalizer.ByteLevel();
      case "Precompiled" ->
          new Normalizer.Precompiled(
              new PrecompiledCharsMap(
                  Base64.getDecoder().decode(step.text("precompiled_charsmap"))));
      case "BertNormalizer" -> {
        boolean lowercase = step.flag("lowercase", true);
        yield new BertNormalizer(
            step.flag("clean_text", true),
            step.flag("handle_chinese_chars", true),
            step.flag("strip_accents", lowercase),
            lowercase);
      }
      default -> throw unsupported("normalizer", step);
    };
  }

  static PreTokenizer preTokenizer(JsonFile step) {
    return switch (step.text("type")) {
      case "Sequence" ->
          new PreTokenizer.Sequence(all(step, "pretokenizers", StepsJson::preTokenizer));
      case "ByteLevel" ->
          new PreTokenizer.ByteLevel(
              step.flag("add_prefix_space", true), step.flag("use_regex", true));
      case "Split" -> split(step);
      case "CharDelimiterSplit" ->
          new PreTokenizer.Split(
              TextPattern.literal(step.text("delimiter")), SplitBehaviour.REMOVED, false);
      case "Whitespace" -> new PreTokenizer.Whitespace();
      case "WhitespaceSplit" -> new PreTokenizer.WhitespaceSplit();
      case "BertPreTokenizer" -> new PreTokenizer.BertPreTokenizer();
      case "Digits" -> new PreTokenizer.Digits(step.flag("individual_digits", false));
      case "Punctuation" -> new PreTokenizer.Punctuation(behaviour(step, "Isolated"));
      case "Metaspace" ->
          new Metaspace(step.text("replacement"), prepending(step), step.flag("split", true));
      default -> throw unsupported("pre_tokenizer", step);
    };
  }

  private static PreTokenizer split(JsonFile step) {
    TextPattern pattern = pattern(step);
    SplitBehaviour behaviour = behaviour(step, "Isolated");
    boolean invert = step.flag("invert", false);
    // those patterns match everywhere, so nothing lies between two matches
    boolean pieces =
        behaviour == SplitBehaviour.ISOLATED || behaviour == SplitBehaviour.REMOVED && invert;
    if (pieces && step.object("pattern").has("Regex")) {
      var known = PublishedPattern.of(pattern.source());
      if (known.isPresent()) return new PreTokenizer.Published(known.get());
    }
    return new PreTokenizer.Split(pattern, behaviour, invert);
  }

  static PostProcessor postProcessor(JsonFile step) {
    return switch (step.text("type")) {
      case "Sequence" ->
          new PostProcessor.Sequence(all(step, "processors", StepsJson::postProcessor));
      case "ByteLevel" ->
          new PostProcessor.ByteLevel(
              step.flag("trim_offsets", true), step.flag("add_prefix_space", true));
      case "BertProcessing" ->
          new PostProcessor.BertProcessing(special(step, "sep"), special(step, "cls"));
      case "RobertaProcessing" ->
          new PostProcessor.RobertaProcessing(
              special(step, "sep"),
              special(step, "cls"),
              step.flag("trim_offsets", true),
              step.flag("add_prefix_space", true));
      case "TemplateProcessing" -> new Template(template(step, "single"), template(step, "pair"));
      default -> throw unsupported("post_processor", step);
    };
  }

  /// `["[SEP]", 102]`
  private static Special special(JsonFile step, String name) {
    JsonNode token = step.get(name);
    if (!token.isArray()
        || token.size() != 2
        || !token.get(0).isString()
        || !token.get(1).isInt()
        || token.get(1).asInt() < 0)
      throw new FormatException(
          step.file(), "%s must be a token and its id, was %s".formatted(name, token));
    return new Special(token.get(1).asInt(), token.get(0).asString());
  }

  private static List<Template.Part> template(JsonFile step, String name) {
    List<Template.Part> parts = new ArrayList<>();
    if (!step.has(name)) return parts;
    for (JsonFile part : objects(step, name)) {
      if (part.has("Sequence")) {
        JsonFile text = part.object("Sequence");
        String id = text.text("id");
        if (!id.equals("A") && !id.equals("B"))
          throw new FormatException(step.file(), name + " asks for text " + id);
        parts.add(new Template.Text(id.equals("B"), text.integer("type_id", 0)));
      } else {
        JsonFile token = part.object("SpecialToken");
        JsonFile ids = step.object("special_tokens").object(token.text("id"));
        parts.add(new Template.Tokens(specials(ids), token.integer("type_id", 0)));
      }
    }
    return parts;
  }

  private static List<Special> specials(JsonFile token) {
    JsonNode ids = token.get("ids");
    JsonNode texts = token.get("tokens");
    if (!ids.isArray() || !texts.isArray() || ids.size() != texts.size())
      throw new FormatException(token.file(), "special_tokens: ids and tokens must be lists alike");
    List<Special> specials = new ArrayList<>();
    for (int i = 0; i < ids.size(); i++) {
      if (!ids.get(i).isInt() || ids.get(i).asInt() < 0 || !texts.get(i).isString())
        throw new FormatException(
            token.file(),
            "special_tokens must have ids and texts, was " + ids.get(i) + " " + texts.get(i));
      specials.add(new Special(ids.get(i).asInt(), texts.get(i).asString()));
    }
    return specials;
  }

  static Decoder decoder(JsonFile step) {
    return switch (step.text("type")) {
      case "Sequence" -> new Decoder.Sequence(all(step, "decoders", StepsJson::decoder));
      case "ByteLevel" -> new Decoder.ByteLevel();
      case "ByteFallback" -> new Decoder.ByteFallback();
      case "Fuse" -> new Decoder.Fuse();
      case "WordPiece" -> new Decoder.WordPiece(step.text("prefix"), step.flag("cleanup", true));
      case "Metaspace" ->
          new Decoder.Metaspace(step.text("replacement"), prepending(step) != Prepending.NEVER);
      case "Replace" -> new Decoder.Replace(pattern(step), step.text("content"));
      case "BPEDecoder" -> new Decoder.BpeDecoder(step.text("suffix"));
      case "CTC" ->
          new Decoder.Ctc(
              step.text("pad_token"),
              step.text("word_delimiter_token"),
              step.flag("cleanup", true));
      case "Strip" -> {
        String content = step.text("content");
        if (content.length() != 1) throw unsupported("Strip.content", step);
        yield new Decoder.Strip(content.charAt(0), count(step, "start"), count(step, "stop"));
      }
      default -> throw unsupported("decoder", step);
    };
  }

  private static int count(JsonFile step, String name) {
    int count = step.integer(name);
    if (count < 0)
      throw new FormatException(step.file(), "%s must be 0 or more, was %d".formatted(name, count));
    return count;
  }

  private static TextPattern pattern(JsonFile step) {
    JsonFile pattern = step.object("pattern");
    return pattern.has("String")
        ? TextPattern.literal(pattern.text("String"))
        : TextPattern.regex(pattern.text("Regex"));
  }

  private static SplitBehaviour behaviour(JsonFile step, String otherwise) {
    return switch (step.has("behavior") ? step.text("behavior") : otherwise) {
      case "Removed" -> SplitBehaviour.REMOVED;
      case "Isolated" -> SplitBehaviour.ISOLATED;
      case "MergedWithPrevious" -> SplitBehaviour.MERGED_WITH_PREVIOUS;
      case "MergedWithNext" -> SplitBehaviour.MERGED_WITH_NEXT;
      case "Contiguous" -> SplitBehaviour.CONTIGUOUS;
      default -> throw unsupported("behavior", step);
    };
  }

  /// Older files say `add_prefix_space` instead of `prepend_scheme`.
  private static Prepending prepending(JsonFile step) {
    if (!step.has("prepend_scheme"))
      return step.flag("add_prefix_space", true) ? Prepending.ALWAYS : Prepending.NEVER;
    return switch (step.text("prepend_scheme")) {
      case "always" -> Prepending.ALWAYS;
      case "first" -> Prepending.FIRST;
      case "never" -> Prepending.NEVER;
      default -> throw unsupported("prepend_scheme", step);
    };
  }

  private static <T> List<T> all(JsonFile step, String name, Function<JsonFile, T> read) {
    return objects(step, name).stream().map(read).toList();
  }

  /// A list of objects.
  static List<JsonFile> objects(JsonFile parent, String name) {
    JsonNode list = parent.get(name);
    if (!list.isArray() || !list.valueStream().allMatch(JsonNode::isObject))
      throw new FormatException(parent.file(), name + " must be a list of objects");
    return list.valueStream().map(each -> new JsonFile(parent.file(), each)).toList();
  }

  static FormatException unsupported(String what, JsonFile found) {
    return new FormatException(found.file(), what + " is not supported: " + found.root());
  }
}
