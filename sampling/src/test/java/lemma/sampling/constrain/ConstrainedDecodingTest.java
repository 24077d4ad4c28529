package lemma.sampling.constrain;

import static java.nio.charset.StandardCharsets.UTF_8;
import static lemma.proof.Numbers.doubles;
import static lemma.proof.Numbers.gaussian;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.OffsetTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import lemma.core.model.LanguageModel;
import lemma.core.model.LlamaDecoder;
import lemma.core.story.StoryModel;
import lemma.core.tokenizer.Tokenizer;
import lemma.core.tokenizer.TokenizerJson;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import lemma.sampling.draw.Draw;
import lemma.sampling.filter.Candidates;
import lemma.sampling.filter.Logits;
import lemma.sampling.filter.SamplingKernel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

@Proves("constrained-decoding")
class ConstrainedDecodingTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /// One token a byte, and an end token with the number 256.
  private static final TokenTrie BYTES =
      TokenTrie.of(257, t -> t == 256 ? new byte[0] : new byte[] {(byte) t});

  private static ConstraintRun run(Constraint constraint) {
    return ConstraintRun.of(constraint, BYTES, Set.of(256));
  }

  /// The run behind a text; null if the text cannot be completed.
  private static ConstraintRun after(ConstraintRun run, String text) {
    for (byte b : text.getBytes(UTF_8)) {
      if (!run.mask().allows(b & 0xFF)) return null;
      run = run.accept(b & 0xFF);
    }
    return run;
  }

  private static boolean matches(ConstraintRun run, String text) {
    ConstraintRun end = after(run, text);
    return end != null && end.mayEnd();
  }

  // regular expressions ------------------------------------------------------------------------

  @Claim("regex")
  @Test
  void a_text_is_allowed_exactly_if_java_could_still_match_it(Proof proof) {
    RandomGenerator random = random(1);
    int allowed = 0;
    int refused = 0;
    for (int round = 0; round < 3000; round++) {
      String pattern = pattern(random, 3);
      Pattern java = Pattern.compile(pattern, Pattern.UNIX_LINES);
      ConstraintRun start = run(Constraint.regex(pattern));
      for (int sample = 0; sample < 10; sample++) {
        String text = randomText("aabbc1_ \né😀-", 1 + random.nextInt(6), random);
        Matcher matcher = java.matcher(text);
        boolean whole = matcher.matches();
        boolean possible = whole || matcher.hitEnd();
        ConstraintRun end = after(start, text);
        assertThat(end != null).as("%s may begin with %s", pattern, text).isEqualTo(possible);
        assertThat(end != null && end.mayEnd()).as("%s is %s", pattern, text).isEqualTo(whole);
        if (possible) allowed++;
        else refused++;
      }
    }
    proof.atLeast("texts allowed", allowed, 3000);
    proof.atLeast("texts refused", refused, 3000);
  }

  private static String pattern(RandomGenerator random, int depth) {
    int kind = depth == 0 ? random.nextInt(3) : random.nextInt(7);
    return switch (kind) {
      case 0 -> pick(random, "a", "b", "c", "1", "é", "😀", "-", "\\n", "\\u00e9", "\\x61");
      case 1 -> pick(random, "\\d", "\\w", "\\s", "\\D", "\\W", "\\S", ".");
      case 2 -> pick(random, "[ab]", "[^a]", "[a-c1]", "[^\\d\\s]", "[é-😀]", "[-a]", "[\\w-]");
      case 3 -> pattern(random, depth - 1) + pattern(random, depth - 1);
      case 4 -> "(" + pattern(random, depth - 1) + "|" + pattern(random, depth - 1) + ")";
      default ->
          "(?:"
              + pattern(random, depth - 1)
              + ")"
              + pick(random, "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "{0,2}");
    };
  }

  private static String pick(RandomGenerator random, String... options) {
    return options[random.nextInt(options.length)];
  }

  private static String randomText(String alphabet, int length, RandomGenerator random) {
    int[] letters = alphabet.codePoints().toArray();
    var text = new StringBuilder();
    for (int i = 0; i < length; i++) text.appendCodePoint(letters[random.nextInt(letters.length)]);
    return text.toString();
  }

  @Claim("utf-8")
  @Test
  void a_set_of_characters_reads_exactly_their_utf_8() {
    RandomGenerator random = random(2);
    int[] borders = {0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF};
    for (int round = 0; round < 200; round++) {
      int a = near(borders, random);
      int b = near(borders, random);
      CodePoints set = CodePoints.range(Math.min(a, b), Math.max(a, b));
      if (round % 2 == 0) set = set.complement();
      var ranges = set.utf8();
      for (int sample = 0; sample < 200; sample++) {
        int c = near(borders, random);
        byte[] bytes = Character.toString(c).getBytes(UTF_8);
        assertThat(ranges.stream().anyMatch(sequence -> reads(sequence, bytes)))
            .as("%x in %s", c, set)
            .isEqualTo(set.contains(c));
      }
      // as many byte sequences as characters: nothing that is not UTF-8
      long sequences =
          ranges.stream()
              .mapToLong(
                  s -> s.stream().mapToLong(r -> r.to() - r.from() + 1).reduce(1, (x, y) -> x * y))
              .sum();
      long characters = set.ranges().stream().mapToLong(r -> r.to() - r.from() + 1).sum();
      assertThat(sequences).isEqualTo(characters);
    }
  }

  private static int near(int[] borders, RandomGenerator random) {
    int c =
        random.nextBoolean()
            ? borders[random.nextInt(borders.length)] + random.nextInt(-2, 3)
            : random.nextInt(0x110000);
    c = Math.clamp(c, 0, 0x10FFFF);
    return c >= 0xD800 && c <= 0xDFFF ? 0xE000 : c;
  }

  private static boolean reads(List<CodePoints.Range> sequence, byte[] bytes) {
    return sequence.size() == bytes.length
        && IntStream.range(0, bytes.length)
            .allMatch(i ->
                sequence.get(i).from() <= (bytes[i] & 0xFF)
                    && (bytes[i] & 0xFF) <= sequence.get(i).to());
  }

  // tokens -------------------------------------------------------------------------------------

  /// Tokens of several characters, halves of characters, two with the same bytes, an empty one.
  private static byte[][] vocabulary(RandomGenerator random, int size) {
    byte[][] tokens = new byte[size][];
    byte[] source = randomText("{}[]\":,ab1é😀", 400, random).getBytes(UTF_8);
    for (int t = 0; t < size; t++) {
      int from = random.nextInt(source.length - 8);
      tokens[t] = Arrays.copyOfRange(source, from, from + random.nextInt(6));
    }
    return tokens;
  }

  @Claim("tokens")
  @ParameterizedTest
  @CsvSource(
      delimiterString = " ~ ",
      value = {
        "regex ~ [ab😀]*é?(1|\\[[^ab]{1,2}\\])*",
        "grammar ~ root ::= \"{\" root* \"}\" | [^{}] root? | \"[\" root \"]\"",
        "schema ~ {\"type\":\"array\",\"items\":{\"type\":[\"string\",\"integer\",\"array\"]}}"
      })
  void the_mask_is_what_each_token_alone_would_show(String kind, String source) {
    RandomGenerator random = random(3);
    for (int round = 0; round < 10; round++) {
      byte[][] tokens = vocabulary(random, 300);
      Constraint constraint = constraint(kind, source);
      ConstraintRun run =
          ConstraintRun.of(constraint, TokenTrie.of(300, t -> tokens[t]), Set.of(7));
      ConstraintRun bytes = run(constraint);
      for (int step = 0; step < 12; step++) {
        TokenMask mask = run.mask();
        for (int token = 0; token < 300; token++) {
          boolean expected = token == 7 ? bytes.mayEnd() : goesOn(bytes, tokens[token]);
          assertThat(mask.allows(token)).as("token %d in step %d", token, step).isEqualTo(expected);
        }
        int[] next = Arrays.stream(mask.tokens()).filter(t -> t != 7).toArray();
        if (next.length == 0) break;
        int token = next[random.nextInt(next.length)];
        run = run.accept(token);
        for (byte b : tokens[token]) bytes = bytes.accept(b & 0xFF);
      }
    }
  }

  private static boolean goesOn(ConstraintRun bytes, byte[] token) {
    for (byte b : token) {
      if (!bytes.mask().allows(b & 0xFF)) return false;
      bytes = bytes.accept(b & 0xFF);
    }
    return token.length > 0;
  }

  private static Constraint constraint(String kind, String source) {
    return switch (kind) {
      case "regex" -> Constraint.regex(source);
      case "grammar" -> Constraint.grammar(source);
      default -> Constraint.jsonSchema(source);
    };
  }

  @Claim("end")
  @Test
  void the_end_token_is_allowed_exactly_when_the_text_is_complete() {
    ConstraintRun run = run(Constraint.regex("(ab)+"));
    boolean[] complete = {false, false, true, false, true};
    for (int i = 0; i < complete.length; i++) {
      assertThat(run.allowed().allows(256)).isEqualTo(complete[i]);
      assertThat(run.mayEnd()).isEqualTo(complete[i]);
      if (i + 1 < complete.length) run = run.accept("ab".charAt(i % 2));
    }
    ConstraintRun ended = run.accept(256);
    assertThat(ended.ended()).isTrue();
    assertThat(ended.allowed().tokens()).containsExactly(256);
    assertThat(run.ended()).isFalse(); // a run does not change
    Refusal.of(() -> ended.accept('a'), "\"a\"", "nothing more");
    Refusal.of(() -> run(Constraint.regex("ab")).accept(256), "end token", "'a'");
  }

  // grammars -----------------------------------------------------------------------------------

  @Claim("grammar")
  @Test
  void a_grammar_allows_exactly_what_a_chart_of_substrings_derives(Proof proof) {
    RandomGenerator random = random(4);
    int derived = 0;
    int begun = 0;
    int refused = 0;
    for (int round = 0; round < 400; round++) {
      GreibachGrammar grammar = GreibachGrammar.random(random);
      ConstraintRun start = run(Constraint.grammar(grammar.notation()));
      for (int sample = 0; sample < 30; sample++) {
        String text = randomText("abc", 1 + random.nextInt(7), random);
        ConstraintRun end = after(start, text);
        boolean begins = grammar.canBegin(text);
        assertThat(end != null).as("%s: %s", grammar.notation(), text).isEqualTo(begins);
        boolean whole = grammar.matches(text);
        assertThat(end != null && end.mayEnd()).isEqualTo(whole);
        if (whole) derived++;
        else if (begins) begun++;
        else refused++;
      }
    }
    proof.atLeast("texts derived", derived, 500);
    proof.atLeast("texts begun", begun, 500);
    proof.atLeast("texts refused", refused, 500);
  }

  @Claim("grammar")
  @Test
  void a_grammar_counts_brackets_as_no_regular_expression_can() {
    ConstraintRun run =
        run(
            Constraint.grammar(
                """
                # brackets of two kinds
                root ::= pair*   # side by side
                pair ::= "(" root ")" | "[" root "]"
                """));
    assertThat(matches(run, "([])[[]]")).isTrue();
    assertThat(after(run, "([)")).isNull();
    String open = "([".repeat(100);
    assertThat(matches(run, open + "])".repeat(100))).isTrue();
    assertThat(after(run, open + "])".repeat(100) + "]")).isNull();
  }

  @Claim("grammar")
  @Test
  void the_notation_has_literals_sets_groups_repetitions_and_comments() {
    ConstraintRun run =
        run(
            Constraint.grammar(
                """
                # a line of a diary
                root  ::= day ": " (word " ")* word
                          [.!]? "\\n"
                day   ::= "\\x4don" | "T" "ue" | [\\u0057] "ed"  # three will do
                word  ::= [^\\x00- .!]{2,5} | any-one
                any-one ::= "\\"" . "\\""
                """));
    assertThat(matches(run, "Mon: it rains.\n")).isTrue();
    assertThat(matches(run, "Wed: übel \"\n\"\n")).isTrue();
    assertThat(after(run, "Mon: rained")).isNull(); // six letters
    assertThat(after(run, "Tun")).isNull();
  }

  // JSON schemas -------------------------------------------------------------------------------

  @Claim("json-schema")
  @ParameterizedTest
  @CsvSource(
      delimiterString = " ~ ",
      quoteCharacter = '\0',
      value = {
        "{\"type\":\"null\"} ~ null ~ true",
        "{\"type\":[\"boolean\",\"null\"]} ~ true null ~ 1",
        "{\"type\":\"integer\"} ~ 0 -17 120 ~ 01 1.0 +1 1e3",
        "{\"type\":\"number\"} ~ 0 -1.5 2e10 3.25E-7 ~ .5 1. 1e 00",
        "{\"type\":\"number\",\"minimum\":-2,\"maximum\":10} ~ -2 -2.0 -1.9 -0.5 0 9.99 10 10.00 ~ -2.1 10.01 11 1e0",
        "{\"type\":\"number\",\"minimum\":3} ~ 3 3.0 3.5 400 ~ 2.9 -3",
        "{\"type\":\"string\",\"maxLength\":2} ~ \"\" \"é😀\" \"\\n\\u00e9\" \"\\ud83d\\ude00\" ~ \"abc\" \"\\ud83d\" \"\\x\"",
        "{\"type\":\"string\",\"minLength\":2} ~ \"ab\" \"abc\" ~ \"a\" \"😀\"",
        "{\"pattern\":\"^[a\\\"\\n]+$\"} ~ \"a\\\"\\n\" ~ \"\" \"b\" \"\\u0061\"",
        "{\"type\":\"string\",\"format\":\"uuid\"} ~ \"123e4567-e89b-12d3-a456-426614174000\" ~ \"123e4567\"",
        "{\"enum\":[1,\"a\",[true,{}],null]} ~ 1 \"a\" [true,{}] null ~ 2 [true]",
        "{\"type\":\"string\",\"enum\":[1,\"a\"]} ~ \"a\" ~ 1",
        "{\"const\":{\"a\":[1.5]}} ~ {\"a\":[1.5]} ~ {}",
        "{\"type\":\"array\",\"items\":{\"enum\":[1,2]},\"minItems\":1,\"maxItems\":3} ~ [1] [1,2,1] ~ [] [3] [1,1,1,1] [1,]",
        "{\"items\":false} ~ [] ~ [1]",
        "{\"type\":\"array\",\"maxItems\":0} ~ [] ~ [1]",
        "{\"anyOf\":[{\"type\":\"integer\"},{\"const\":\"x\"}]} ~ 5 \"x\" ~ \"y\"",
        "{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"array\"}]} ~ null [[],{\"a\":1}] ~ 5",
        "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"type\":\"null\"},\"c\":{\"type\":\"null\"}},\"required\":[\"b\"]} ~ {\"b\":null} {\"a\":null,\"b\":null} {\"b\":null,\"c\":null} {\"a\":null,\"b\":null,\"c\":null} ~ {} {\"a\":null} {\"b\":null,\"a\":null} {,\"b\":null} {\"b\":null,\"d\":null}",
        "{\"properties\":{\"a\":true}} ~ {} {\"a\":[1,{}]} ~ {\"b\":1}",
        "{\"properties\":{\"ab\":{\"const\":1}},\"additionalProperties\":{\"type\":\"null\"}} ~ {} {\"ab\":1} {\"ab\":1,\"a\":null,\"abc\":null} {\"b\":null} {\"\":null} ~ {\"ab\":null} {\"a\":null,\"ab\":1} {\"a\":1}",
        "{\"type\":\"object\",\"additionalProperties\":false} ~ {} ~ {\"a\":1}",
        "{\"type\":\"object\"} ~ {} {\"a\":{\"b\":[]}} ~ []",
        "{\"$ref\":\"#/$defs/n\",\"$defs\":{\"n\":{\"properties\":{\"v\":{\"const\":1},\"next\":{\"$ref\":\"#/$defs/n\"}},\"required\":[\"v\"]}}} ~ {\"v\":1} {\"v\":1,\"next\":{\"v\":1,\"next\":{\"v\":1}}} ~ {\"next\":{}} {\"v\":1,\"next\":1}",
        "{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}} ~ [] [[],[[]]] ~ [1]",
        "{\"title\":\"t\",\"description\":\"d\",\"type\":\"boolean\",\"default\":true} ~ false ~ 0",
        "{} ~ 1 \"a\" [null,{\"a\":true}] ~ nul1 [,]"
      })
  void a_schema_accepts_its_values_and_no_others(String schema, String good, String bad) {
    ConstraintRun run = run(Constraint.jsonSchema(schema));
    for (String value : good.split(" ")) assertThat(matches(run, value)).as(value).isTrue();
    for (String value : bad.split(" ")) assertThat(matches(run, value)).as(value).isFalse();
  }

  @Claim("json-schema")
  @Test
  void bounds_of_an_integer_are_exact() {
    RandomGenerator random = random(5);
    for (int round = 0; round < 150; round++) {
      int a = random.nextInt(-1200, 1200);
      int b = a + random.nextInt(round % 3 == 0 ? 5 : 1500);
      boolean exclusive = round % 2 == 1 && b > a + 1;
      String names = exclusive ? "\"exclusiveM%s\":%d" : "\"m%s\":%d";
      String low = names.formatted("inimum", a);
      String high = names.formatted("aximum", b);
      String bounds = round % 5 == 0 ? low : round % 5 == 1 ? high : low + "," + high;
      ConstraintRun run = run(Constraint.jsonSchema("{\"type\":\"integer\"," + bounds + "}"));
      for (int x = -2800; x <= 2800; x += 1 + random.nextInt(3)) {
        boolean above = !bounds.contains("inimum") || (exclusive ? x > a : x >= a);
        boolean below = !bounds.contains("aximum") || (exclusive ? x < b : x <= b);
        assertThat(matches(run, "" + x)).as("%d, %s", x, bounds).isEqualTo(above && below);
      }
    }
  }

  @Claim("json-schema")
  @Test
  void dates_and_times_are_those_of_the_calendar() {
    ConstraintRun date = run(Constraint.jsonSchema("{\"format\":\"date\"}"));
    for (int year : new int[] {0, 1900, 2000, 2023, 2024, 2100, 9999})
      for (int month = 0; month <= 13; month++)
        for (int day = 0; day <= 32; day++) {
          String text = "%04d-%02d-%02d".formatted(year, month, day);
          assertThat(matches(date, '"' + text + '"')).as(text).isEqualTo(isDate(text));
        }
    ConstraintRun time = run(Constraint.jsonSchema("{\"format\":\"time\"}"));
    ConstraintRun both = run(Constraint.jsonSchema("{\"format\":\"date-time\"}"));
    for (String good : List.of("00:00:00Z", "23:59:59.123456789+17:59", "12:30:01.5-00:30")) {
      OffsetTime.parse(good);
      assertThat(matches(time, '"' + good + '"')).isTrue();
      assertThat(matches(both, "\"2024-02-29T" + good + '"')).isTrue();
      assertThat(matches(both, "\"2023-02-29T" + good + '"')).isFalse();
    }
    for (String bad : List.of("24:00:00Z", "12:60:00Z", "12:00:00", "12:00:60Z", "12:00Z"))
      assertThat(matches(time, '"' + bad + '"')).as(bad).isFalse();
  }

  private static boolean isDate(String text) {
    try {
      LocalDate.parse(text);
      return true;
    } catch (DateTimeParseException e) {
      return false;
    }
  }

  // sampling -----------------------------------------------------------------------------------

  @Claim("renormalised")
  @Test
  void probabilities_are_those_of_the_model_renormalised(Proof proof) {
    RandomGenerator random = random(6);
    var link = new ConstrainedDecoding(run(Constraint.regex("[a-f]{3}|x+")), 2);
    double gap = 0;
    for (int[] history : new int[][] {{9, 9}, {9, 9, 'a'}, {9, 9, 'x', 'x'}}) {
      double[] logits = gaussian(257, random);
      double[] model = Logits.softmax(logits);
      double[] masked = Logits.softmax(link.process(history, logits));
      Set<Integer> expected = new TreeSet<>();
      if (history.length < 4) for (int c = 'a'; c <= 'f'; c++) expected.add(c);
      if (history.length != 3) expected.add((int) 'x');
      if (history.length == 4) expected.add(256);
      double mass = expected.stream().mapToDouble(token -> model[token]).sum();
      for (int token = 0; token < 257; token++) {
        double renormalised = expected.contains(token) ? model[token] / mass : 0;
        gap = Math.max(gap, Math.abs(masked[token] - renormalised));
      }
    }
    proof.atMost("|Δ|", gap, 1e-15); // a few roundings of numbers up to 1
  }

  @Claim("not-conditioning")
  @Test
  void masking_is_not_conditioning_the_model_on_the_constraint(Proof proof) {
    // a model that says a or b alike, and then c: after a always, after b one time in a hundred
    Constraint constraint = Constraint.regex("[ab]c");
    double afterA = 1;
    double afterB = 0.01;
    ConstraintRun run = run(constraint);
    double[] first = new double[257];
    Arrays.fill(first, Logits.REMOVED);
    first['a'] = first['b'] = Math.log(0.5);
    double masked = Logits.softmax(run.allowed().apply(first))['b'];
    double conditioned = 0.5 * afterB / (0.5 * afterA + 0.5 * afterB);
    proof.measured("P(b) masked", masked);
    proof.measured("P(b | text is accepted)", conditioned);
    assertThat(masked).isEqualTo(0.5);
    assertThat(conditioned).isLessThan(0.01);
  }

  @Claim("every-sample-parses")
  @Test
  void a_thousand_of_a_thousand_samples_of_a_model_parse(Proof proof) throws IOException {
    Path folder = Path.of("../core/models/storyteller");
    Tokenizer tokenizer = TokenizerJson.read(folder);
    int endToken = tokenizer.addedToken(StoryModel.END).orElseThrow();
    String schema =
        """
        {"type": "object",
         "properties": {
           "n": {"type": "string", "minLength": 1, "maxLength": 3},
           "a": {"type": "integer", "minimum": 3, "maximum": 12},
           "p": {"enum": ["cat", "dog", null]},
           "t": {"type": "array", "items": {"type": "string", "maxLength": 2}, "maxItems": 2}},
         "required": ["n"]}
        """;
    ConstraintRun start =
        ConstraintRun.of(Constraint.jsonSchema(schema), tokenizer, Set.of(endToken));
    var kernel = new SamplingKernel(1.5, 0, 1, 0);
    var scratch = new Candidates();
    int good = 0;
    int tokens = 0;
    Set<String> different = new TreeSet<>();
    try (LlamaDecoder model = LlamaDecoder.open(folder, 1)) {
      LanguageModel.Session session = model.open();
      int[] prompt = tokenizer.encode("Tom");
      float[] first = session.append(prompt).clone();
      for (int seed = 0; seed < 1000; seed++) {
        RandomGenerator random = random(seed);
        session.rewind(prompt.length);
        float[] logits = first.clone();
        List<Integer> text = new ArrayList<>();
        for (ConstraintRun run = start; ; tokens++) {
          int token = run.allowed().draw(logits, kernel, scratch, random);
          run = run.accept(token);
          if (run.ended()) break;
          text.add(token);
          logits = session.append(token);
        }
        String json = tokenizer.decode(text.stream().mapToInt(i -> i).toArray());
        if (isPerson(JSON.readTree(json))) good++;
        different.add(json);
      }
    }
    proof.measured("tokens drawn", tokens);
    proof.atLeast("different texts", different.size(), 900);
    proof.atLeast("samples that parse, of 1000", good, 1000);
  }

  private static boolean isPerson(JsonNode person) {
    Set<String> names = new TreeSet<>(person.propertyNames());
    if (!names.contains("n") || !Set.of("n", "a", "p", "t").containsAll(names)) return false;
    boolean good = isText(person.get("n"), 1, 3);
    JsonNode age = person.get("a");
    if (age != null) good &= age.isInt() && age.asInt() >= 3 && age.asInt() <= 12;
    JsonNode pet = person.get("p");
    if (pet != null) good &= pet.isNull() || Set.of("cat", "dog").contains(pet.asString());
    JsonNode toys = person.get("t");
    if (toys == null) return good;
    for (JsonNode toy : toys) good &= isText(toy, 0, 2);
    return good && toys.isArray() && toys.size() <= 2;
  }

  private static boolean isText(JsonNode text, int min, int max) {
    if (!text.isString()) return false;
    int length = text.asString().codePointCount(0, text.asString().length());
    return min <= length && length <= max;
  }

  @Claim("agreement")
  @Test
  void masking_floats_in_place_is_the_formula() {
    RandomGenerator random = random(7);
    for (int size : new int[] {1, 63, 64, 65, 300})
      for (double share : new double[] {0, 0.02, 0.5, 1}) {
        long[] words = new long[(size + 63) / 64];
        for (int t = 0; t < size; t++) if (random.nextDouble() < share) words[t >> 6] |= 1L << t;
        var mask = new TokenMask(words, size);
        float[] logits = new float[size + 5]; // five more than tokens
        for (int i = 0; i < logits.length; i++) logits[i] = (float) random.nextGaussian();
        double[] formula = mask.apply(doubles(logits));
        mask.apply(logits);
        assertThat(doubles(logits)).isEqualTo(formula);
        assertThat(Logits.kept(formula)).isEqualTo(mask.tokens()).hasSize(mask.count());
      }
  }

  @Claim("agreement")
  @Test
  void a_step_on_the_allowed_tokens_alone_draws_what_the_masked_step_draws() {
    RandomGenerator random = random(8);
    var scratch = new Candidates();
    for (int round = 0; round < 300; round++) {
      int size = 100 + random.nextInt(200);
      long[] words = new long[(size + 63) / 64];
      for (int t = 0; t < size; t++)
        if (random.nextDouble() < 0.01 + 0.33 * (round % 4)) words[t >> 6] |= 1L << t;
      words[1] |= 1;
      var mask = new TokenMask(words, size);
      float[] logits = new float[size];
      for (int i = 0; i < size; i++) logits[i] = (float) (3 * random.nextGaussian());
      var kernel = new SamplingKernel(round % 5 == 0 ? 0 : 1.2, round % 3 * 5, 0.9, 0);
      int formula =
          new Draw.InverseCdf()
              .token(
                  kernel.formula().process(new int[0], mask.apply(doubles(logits))), random(round));
      if (round % 5 == 0) formula = Logits.argMax(mask.apply(doubles(logits)));
      assertThat(mask.draw(logits, kernel, scratch, random(round))).isEqualTo(formula);
    }
  }

  // bounds -------------------------------------------------------------------------------------

  @Claim("linear")
  @Test
  void nested_quantifiers_are_read_in_linear_time() {
    // back-tracking would try 2ⁿ ways
    ConstraintRun run = run(Constraint.regex("((a*)*|(a|a)+)*b"));
    assertThat(matches(run, "a".repeat(20_000) + "b")).isTrue();
    assertThat(after(run, "a".repeat(20_000) + "c")).isNull();
    ConstraintRun optional = run(Constraint.regex("(a?){300}a{300}"));
    assertThat(matches(optional, "a".repeat(300))).isTrue();
    // after n letters every word of b and c of length ≤ n may be open: 2ⁿ⁺¹ stacks
    ConstraintRun open = run(Constraint.grammar("root ::= \"a\" (root (\"b\" | \"c\" root)?)?"));
    assertThat(matches(open, "a".repeat(60) + "ca".repeat(5) + "b".repeat(50))).isTrue();
  }

  @Claim("bounded")
  @Test
  void hostile_constraints_are_refused_before_they_take_memory() {
    String states = Integer.toString(Network.MAX_STATES);
    Refusal.of(() -> Constraint.regex("((a{1000}){1000}){1000}"), states);
    Refusal.of(() -> Constraint.regex("(((){9999}){9999}){9999}"), states);
    Refusal.of(() -> Constraint.regex("a{99999999999999999999}"), "10000");
    Refusal.of(() -> Constraint.regex("(".repeat(100_000)), "200 groups");
    Refusal.of(() -> Constraint.grammar("root ::= " + "(".repeat(100_000)), "200 groups");
    String deep = "{\"items\":".repeat(5000) + "{}" + "}".repeat(5000);
    Refusal.of(() -> Constraint.jsonSchema(deep), "JSON");
    String wide = "{\"maxItems\":9999,\"items\":".repeat(5) + "{\"const\":1}" + "}".repeat(5);
    Refusal.of(() -> Constraint.jsonSchema(wide), states);
    ConstraintRun active = run(Constraint.regex("(a|b)*a(a|b){5000}"));
    Refusal.of(() -> after(active, "a".repeat(5000)), "%d places".formatted(Automaton.MAX_ACTIVE));
  }

  @Claim("bounded")
  @Test
  void long_constraints_take_no_longer_than_they_are_long() {
    var set = new StringBuilder();
    for (int c = 0x4E00; c < 0x4E00 + 20_000; c += 2) set.appendCodePoint(c);
    assertThat(matches(run(Constraint.regex("[^" + set + "]")), "\u4E01")).isTrue();
    var rules = new StringBuilder("root ::= r0 \"x\"\n");
    for (int r = 0; r < 10_000; r++) rules.append("r%d ::= r%d?\n".formatted(r, r + 1));
    String chain = rules + "r10000 ::= \"y\"";
    // the chain is deeper than may ever be open, all of it may be left out
    assertThat(matches(run(Constraint.grammar(chain)), "x")).isTrue();
    String name = "\"" + "n".repeat(300) + "\"";
    Refusal.of(() -> Constraint.jsonSchema("{\"properties\":{" + name + ":{}}}"), "256");
  }

  @Claim("bounded")
  @Test
  void what_is_open_never_gets_deeper_than_its_bound() {
    ConstraintRun run =
        run(Constraint.jsonSchema("{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}"));
    int depth = 0;
    for (; run.mask().allows('['); depth++) run = run.accept('[');
    assertThat(depth).isBetween(Automaton.MAX_DEPTH / 4, Automaton.MAX_DEPTH);
    assertThat(run.allowed().tokens()).containsExactly(']');
    assertThat(matches(run, "]".repeat(depth))).isTrue();
  }

  // errors -------------------------------------------------------------------------------------

  @Claim("contradiction")
  @Test
  void a_contradiction_names_where_the_text_stands_and_what_is_missing() {
    byte[][] tokens = {"{\"".getBytes(UTF_8), "name".getBytes(UTF_8), "\":".getBytes(UTF_8)};
    ConstraintRun run =
        ConstraintRun.of(
            Constraint.jsonSchema("{\"properties\":{\"name\":{\"type\":\"null\"}}}"),
            TokenTrie.of(3, t -> tokens[t]),
            Set.of());
    for (int token = 0; token < 3; token++) run = run.accept(token);
    ConstraintRun stuck = run;
    Refusal.of(stuck::allowed, "token number 3", "{\"name\":", "'n'");
    Refusal.of(() -> stuck.accept(1), "token 1", "\"name\"", "'n'");
    Refusal.of(() -> run(Constraint.regex("ab")).accept('\n'), "\"\\u000a\"", "'a'");
    ConstraintRun complete =
        ConstraintRun.of(Constraint.regex(""), TokenTrie.of(3, t -> tokens[t]), Set.of());
    assertThat(complete.allowed().count()).isZero();
  }

  @Claim("bad-input")
  @ParameterizedTest
  @CsvSource(
      delimiterString = " ~ ",
      quoteCharacter = '\0',
      value = {
        "a(?=b) ~ look-ahead",
        "a(?!b) ~ negative look-ahead",
        "(?<=a)b ~ look-behind",
        "(?<!a)b ~ negative look-behind",
        "(?>a) ~ atomic group",
        "(?i)a ~ inline flag",
        "(a)\\1 ~ back-reference",
        "\\bword ~ word boundary",
        "a++ ~ possessive",
        "\\p{L} ~ Unicode property",
        "a^b ~ anchor ^",
        "(a$) ~ anchor $",
        "\\Aa ~ anchor \\A",
        "a\\q ~ escape \\q",
        "[[:alpha:]] ~ POSIX",
        "[a&&b] ~ intersection",
        "[] ~ empty set",
        "[b-a] ~ ascend",
        "[ab ~ [ without",
        "(ab ~ ( without",
        "ab) ~ ) without",
        "*a ~ nothing to repeat",
        "a** ~ quantifier of a quantifier",
        "a{3,2} ~ n < m",
        "\\ud83d ~ surrogate",
        "\\x4 ~ hexadecimal",
        "[^\\s\\S] ~ no text"
      })
  void a_regular_expression_that_is_not_supported_is_refused_by_name(String pattern, String word) {
    Refusal.of(() -> Constraint.regex(pattern), word);
  }

  @Claim("bad-input")
  @ParameterizedTest
  @CsvSource(
      delimiterString = " ~ ",
      quoteCharacter = '\0',
      value = {
        "{\"type\":\"array\",\"uniqueItems\":true} ~ #/uniqueItems",
        "{\"properties\":{\"a\":{\"multipleOf\":3}}} ~ #/properties/a/multipleOf",
        "{\"allOf\":[{}]} ~ #/allOf",
        "{\"not\":{}} ~ #/not",
        "{\"type\":\"object\",\"patternProperties\":{}} ~ #/patternProperties",
        "{\"prefixItems\":[]} ~ #/prefixItems",
        "{\"if\":{}} ~ #/if",
        "{\"anyOf\":[{}],\"type\":\"object\"} ~ #/type",
        "{\"$ref\":\"#\",\"minLength\":1} ~ #/minLength",
        "{\"$ref\":\"other.json\"} ~ within the schema",
        "{\"$ref\":\"#/$defs/no\"} ~ nothing at #/$defs/no",
        "{\"$ref\":\"#\"} ~ #",
        "{\"enum\":[1],\"maximum\":3} ~ #/maximum",
        "{\"enum\":[]} ~ no text",
        "{\"type\":\"string\",\"enum\":[1]} ~ no text",
        "{\"pattern\":\"a\",\"maxLength\":3} ~ together",
        "{\"pattern\":\"\\\\bx\"} ~ word boundary",
        "{\"pattern\":5} ~ #/pattern",
        "{\"format\":\"email\"} ~ email",
        "{\"type\":\"text\"} ~ text",
        "{\"type\":5} ~ #/type",
        "{\"required\":[\"a\"]} ~ \"a\"",
        "{\"minLength\":3,\"maxLength\":2} ~ maxLength",
        "{\"maxItems\":-1} ~ #/maxItems",
        "{\"maxItems\":99999} ~ 10000",
        "{\"minimum\":1.5} ~ whole",
        "{\"exclusiveMinimum\":1} ~ integer only",
        "{\"type\":\"integer\",\"minimum\":3,\"maximum\":2} ~ no integer",
        "{\"maximum\":1e999999} ~ digits",
        "{\"properties\":{\"a\":5}} ~ #/properties/a",
        "{\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]} ~ no text",
        "{\"const\":\"\\ud800\"} ~ surrogate",
        "{\"a\":1,\"a\":2} ~ JSON",
        "{\"type\": ~ JSON",
        "5 ~ object",
        "false ~ no text"
      })
  void a_schema_that_is_not_supported_is_refused_by_place(String schema, String word) {
    Refusal.of(() -> Constraint.jsonSchema(schema), word);
  }

  @Claim("bad-input")
  @ParameterizedTest
  @CsvSource(
      delimiterString = " ~ ",
      quoteCharacter = '\0',
      value = {
        "a ::= \"b\" ~ no rule root",
        "root ::= other ~ other is not defined",
        "root ::= root \"a\" | \"b\" ~ left recursion: root → root",
        "root ::= \"x\" | a|a ::= b? root \"y\"|b ::= \"z\" ~ left recursion",
        "root ::= \"a\" root ~ no text",
        "root ::= \"a|root ::= \"b\" ~ line 1: a text without",
        "root ::= [a ~ [ without",
        "root ::= (\"a\" ~ ( without",
        "root ::= \"a\")|b ::= \"c\" ~ expected a rule",
        "root ::= \"\\q\" ~ escape \\q",
        "root ::= [z-a] ~ ascend",
        "root ::= [] ~ empty set",
        "root ::= \"a\"{3,2} ~ m ≤ n",
        "root ::= \"a\"{} ~ count",
        "root ::= \"a\"** ~ repetition of a repetition",
        "root ::= \"a\"|root ::= \"b\" ~ root is defined twice",
        "root = \"a\" ~ expected a rule",
        "root ::= 'a' ~ unexpected '"
      })
  void a_grammar_that_is_wrong_is_refused_with_the_line_or_the_rule(String rules, String word) {
    Refusal.of(() -> Constraint.grammar(rules.replaceAll("\\|(?=\\w+ ::=)", "\n")), word);
  }

  @Claim("bad-input")
  @Test
  void bad_arguments_are_refused_by_name() {
    Constraint constraint = Constraint.regex("a");
    Refusal.of(() -> TokenTrie.of(0, t -> new byte[0]), "vocabularySize", "0");
    Refusal.of(() -> TokenTrie.of(1, t -> new byte[70_000]), "token 0", "70000");
    Refusal.of(() -> ConstraintRun.of(constraint, BYTES, Set.of(257)), "257");
    Refusal.of(() -> run(constraint).accept(-1), "-1");
    Refusal.of(() -> run(constraint).allowed().allows(257), "257");
    Refusal.of(() -> run(constraint).allowed().apply(new double[256]), "256", "257");
    Refusal.of(() -> run(constraint).allowed().apply(new float[256]), "256", "257");
    Refusal.of(() -> new ConstrainedDecoding(run(constraint), -1), "promptLength", "-1");
    var link = new ConstrainedDecoding(run(constraint), 2);
    Refusal.of(() -> link.process(new int[1], new double[257]), "1", "2");
    Refusal.of(() -> link.process(new int[] {1, 2, 3}, new double[257]), "token 3");
  }

  // golden -------------------------------------------------------------------------------------

  @Claim("parity")
  @GoldenCases("sampling/constrained-decoding")
  void equals_the_reference(GoldenCase golden, Proof proof) {
    List<String> vocabulary = new ArrayList<>();
    golden.params().get("vocab").forEach(token -> vocabulary.add(token.asString()));
    int size = vocabulary.size();
    int end = vocabulary.indexOf("<eos>");
    List<Constraint> constraints = new ArrayList<>();
    constraints.add(Constraint.regex(golden.text("pattern")));
    if (golden.params().has("json_schema"))
      constraints.add(Constraint.jsonSchema(golden.params().get("json_schema").toString()));
    TokenTrie trie = // the bytes behind the vocabulary spell any prefix
        TokenTrie.of(
            size + 256,
            t ->
                t == end
                    ? new byte[0]
                    : t < size
                        ? vocabulary.get(t).getBytes(UTF_8)
                        : new byte[] {(byte) (t - size)});
    for (Constraint constraint : constraints) {
      ConstraintRun run = ConstraintRun.of(constraint, trie, Set.of(end));
      if (golden.text("kind").equals("walk")) {
        walk(golden, run, vocabulary, end);
        continue;
      }
      for (byte b : golden.text("prefix").getBytes(UTF_8)) run = run.accept(size + (b & 0xFF));
      golden.expect("allowed", allowed(run, size).filter(t -> t != end).toArray());
      assertThat(run.mayEnd()).isEqualTo(golden.expected().get("eos_allowed").asBoolean());
      if (!golden.expected().has("probs")) continue;
      double[] logits = Arrays.copyOf(golden.doubles("logits"), size + 256);
      Arrays.fill(logits, size, size + 256, Logits.REMOVED);
      double[] masked = Logits.softmax(run.allowed().apply(logits));
      golden.expect("probs", Arrays.copyOf(masked, size), proof);
    }
  }

  private static IntStream allowed(ConstraintRun run, int size) {
    return Arrays.stream(run.mask().tokens()).filter(token -> token < size);
  }

  private static void walk(GoldenCase golden, ConstraintRun run, List<String> vocabulary, int end) {
    double[] logits = golden.doubles("logits");
    List<Integer> tokens = new ArrayList<>();
    var text = new StringBuilder();
    while (!run.ended() && tokens.size() < golden.integer("max_steps")) {
      int best = -1;
      for (int token : allowed(run, vocabulary.size()).toArray())
        if (best < 0 || logits[token] > logits[best] || best == end && logits[token] == logits[end])
          best = token;
      if (best < 0) break; // the vocabulary cannot spell what must follow
      run = run.accept(best);
      tokens.add(best);
      if (!run.ended()) text.append(vocabulary.get(best));
    }
    golden.expect("tokens", tokens.stream().mapToInt(t -> t).toArray());
    assertThat(text).hasToString(golden.expected().get("text").asString());
    assertThat(run.ended()).isEqualTo(golden.expected().get("finished").asBoolean());
  }
}
