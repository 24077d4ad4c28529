package lemma.docs.command;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lemma.docs.ProjectHome;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The options of `generate`, with the shipped language model.
class GenerateOptionsTest {
  private record Run(int exit, String out, String err) {}

  private static Run run(String... arguments) {
    var out = new ByteArrayOutputStream();
    var err = new ByteArrayOutputStream();
    int exit =
        Lemma.run(arguments, new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8));
    return new Run(exit, out.toString(UTF_8), err.toString(UTF_8));
  }

  private static Run generate(String... more) {
    List<String> arguments = new ArrayList<>(List.of("generate"));
    arguments.addAll(List.of(more));
    if (!List.of(more).contains("--max-tokens")) arguments.addAll(List.of("--max-tokens", "12"));
    return run(arguments.toArray(String[]::new));
  }

  private static final String PLAIN = "--prompt Lily,Lily,Lily,Lily --ignore-eos --max-tokens 40";
  private static String plain;

  @BeforeAll
  static void generatePlain() {
    plain = text(words(PLAIN));
  }

  private static String[] words(String line) {
    return line.split(" ");
  }

  private static String text(String... more) {
    Run run = generate(more);
    assertThat(run.err()).isEmpty();
    assertThat(run.exit()).isEqualTo(Lemma.OK);
    return run.out();
  }

  private static JsonNode json(String line) {
    return JsonMapper.shared().readTree(text(words(line + " --json")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--temperature 3",
        "--top-k 2",
        "--top-p 0.1",
        "--min-p 0.9",
        "--typical-p 0.2",
        "--epsilon 0.3",
        "--eta 0.9",
        "--top-a 1",
        "--xtc-probability 1 --xtc-threshold 0.01",
        "--mirostat 1 --mirostat-tau 0.5",
        "--mirostat 2 --mirostat-tau 0.5 --mirostat-eta 0.5",
        "--repetition-penalty 5",
        "--presence-penalty 20",
        "--frequency-penalty 20",
        "--no-repeat-ngram 1",
        "--dry-multiplier 50 --dry-allowed-length 1 --dry-base 2 --dry-window 60",
        "--logit-bias 46=30",
        "--bad-words the --bad-words a",
        "--seed 5",
        "--watermark 42 --watermark-gamma 0.5 --watermark-delta 20"
      })
  void every_setting_changes_the_text(String options) {
    assertThat(text(words(PLAIN + " " + options))).isNotEqualTo(plain);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --temperature -1          | temperature
          --top-p 1.5               | [0, 1]
          --min-p -1                | minP
          --typical-p 2             | [0, 1]
          --epsilon 1               | epsilon
          --eta -1                  | epsilon
          --top-a 2                 | a must be
          --xtc-probability 2       | probability
          --mirostat 3              | --mirostat
          --mirostat 1 --top-k 5    | mirostat
          --mirostat-tau 3          | --mirostat-tau needs --mirostat
          --xtc-threshold 0.2       | --xtc-threshold needs --xtc-probability
          --dry-base 2              | --dry-base needs --dry-multiplier
          --repetition-penalty 0    | repetition penalty
          --no-repeat-ngram -1      | noRepeatNGram
          --logit-bias 99999=1      | 99999
          --watermark-delta 2       | --watermark-delta needs --watermark
          --watermark 1 --watermark-gamma 2 | gamma
          --min-tokens -1           | minTokens
          --max-tokens 0            | maxTokens
          --n 0                     | n must be
          --logprobs 3              | --logprobs needs --json
          --regex (                 | 1
          --regex a --grammar x     | --grammar is not possible beside --regex
          --beams 2 --temperature 1 | --temperature is not possible: --beams
          --beams 2 --top-k 1       | --top-k is not possible: --beams
          --beams 2 --regex a       | --regex is not possible: --beams
          --beams 2 --stop x        | --stop is not possible: --beams
          --beams 2 --seed 1        | --seed is not possible: --beams
          --beams 2 --n 3           | --n must be at most --beams
          --beams 0                 | beams
          --beams 2 --prompt-lookup 2 | --prompt-lookup is not possible beside --beams
          --draft x --prompt-lookup 2 | --prompt-lookup is not possible beside --draft
          --length-penalty 2        | --length-penalty needs --beams
          --early-stopping          | --early-stopping needs --beams
          --draft-tokens 2          | --draft-tokens needs --draft
          --prompt-lookup 2 --n 2   | --n is not possible
          --prompt-lookup 2 --mirostat 2 | --mirostat is not possible
          --prompt-lookup 0         | longest
          --draft nowhere           | nowhere
          --ids 1,2                 | --ids
          """)
  void what_makes_no_sense_is_refused_by_name(String options, String word) {
    Run run = generate(words("--prompt One " + options));
    assertThat(run.exit()).isEqualTo(Lemma.REFUSED);
    assertThat(run.out()).isEmpty();
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).contains(word);
  }

  @Test
  void the_json_holds_everything_and_the_first_of_n_is_the_one() {
    String asked = "--prompt Lily --seed 9 --logprobs 3 ";
    JsonNode three = json(asked + "--n 3");
    JsonNode one = json(asked.strip());
    JsonNode first = three.get("samples").get(0);
    for (String field :
        List.of("tokens", "text", "finishReason", "logProbabilities", "alternatives"))
      assertThat(one.get(field)).as(field).isEqualTo(first.get(field)).isNotNull();
    assertThat(three.get("samples").size()).isEqualTo(3);
    assertThat(three.get("samples").get(1)).isNotEqualTo(first);
    assertThat(one.get("seed").asLong()).isEqualTo(9);
    assertThat(one.get("logProbabilities").size()).isEqualTo(one.get("tokens").size());
    assertThat(one.get("alternatives").get(0).size()).isEqualTo(3);
    assertThat(one.get("alternatives").get(0).get(0).get("text").isString()).isTrue();
  }

  @Test
  void a_prompt_may_come_from_a_file_or_from_standard_input(@TempDir Path folder)
      throws IOException {
    String expected = text("--prompt", "One day, 小明");
    Path file = Files.writeString(folder.resolve("prompt.txt"), "One day, 小明\n");
    assertThat(text("--prompt-file", file.toString())).isEqualTo(expected);
    InputStream before = System.in;
    try {
      for (String option : new String[] {"--prompt", "--prompt-file"}) {
        System.setIn(new ByteArrayInputStream("One day, 小明\n".getBytes(UTF_8)));
        assertThat(text(option, "-")).isEqualTo(expected);
      }
    } finally {
      System.setIn(before);
    }
    Files.write(file, new byte[] {'a', (byte) 0xFF});
    assertThat(generate("--prompt-file", file.toString()).err()).contains("not UTF-8");
    assertThat(generate("--prompt-file", folder.resolve("none").toString()).err())
        .contains("no such file");
  }

  @Test
  void a_shape_is_kept(@TempDir Path folder) throws IOException {
    Path schema = folder.resolve("schema.json");
    Files.writeString(
        schema,
        """
        {"type": "object", "required": ["name", "age"], "additionalProperties": false,
         "properties": {"name": {"enum": ["Lily", "Ben"]}, "age": {"type": "boolean"}}}
        """);
    Path grammar = Files.writeString(folder.resolve("list.gbnf"), "root ::= \" a\" (\", b\")+\n");
    for (int seed = 0; seed < 3; seed++) {
      String drawn = " --temperature 2 --max-tokens 60 --seed " + seed;
      assertThat(text(words("--prompt He --regex (red|blue){2}x" + drawn)).strip())
          .matches("(red|blue){2}x");
      JsonNode object =
          JsonMapper.shared().readTree(text(words("--prompt He --json-schema " + schema + drawn)));
      assertThat(object.get("name").asString()).isIn("Lily", "Ben");
      assertThat(object.get("age").isBoolean()).isTrue();
      assertThat(text(words("--prompt He --grammar " + grammar + drawn)).stripTrailing())
          .matches(" a(, b)+(,)?( b?)?"); // it may be cut by the number of tokens
    }
  }

  @Test
  void rules_and_stops_are_kept() {
    String plain = text("--prompt", "One day,", "--max-tokens", "60");
    String without = text(words("--prompt One,day, --bad-words the --bad-words a --max-tokens 60"));
    assertThat(plain).containsPattern("\\b(the|a)\\b");
    assertThat(without).doesNotContainPattern("\\b(the|a)\\b");
    assertThat(text("--prompt", "One day,", "--stop", ".", "--max-tokens", "60").strip())
        .isEqualTo(plain.substring(0, plain.indexOf('.')).strip());
    assertThat(json("--prompt One --min-tokens 150 --max-tokens 200").get("tokens").size())
        .isGreaterThanOrEqualTo(150);
  }

  @Test
  void beams_come_best_first_and_here_beat_greedy() {
    JsonNode two = json("--prompt Lily --beams 2 --n 2 --length-penalty 0 --early-stopping NEVER");
    double last = 0;
    for (JsonNode sample : two.get("samples")) {
      assertThat(sample.get("score").asDouble()).isLessThanOrEqualTo(last);
      last = sample.get("score").asDouble();
    }
    double greedy = 0;
    for (JsonNode ln : json("--prompt Lily --temperature 0 --logprobs 0").get("logProbabilities"))
      greedy += ln.asDouble();
    JsonNode best = two.get("samples").get(0);
    assertThat(best.get("logProbability").asDouble()).isGreaterThanOrEqualTo(greedy);
    assertThat(
            json("--prompt Lily --beams 2 --length-penalty 0 --early-stopping NEVER").get("text"))
        .isEqualTo(best.get("text"));
  }

  @Test
  void beams_keep_the_rules() {
    String asked = "--prompt Ben --beams 3 --max-tokens 30 ";
    String without = json(asked + "--bad-words the --no-repeat-ngram 1").get("text").asString();
    assertThat(without).doesNotContainPattern("\\bthe\\b");
    List<String> tokens = new ArrayList<>();
    for (JsonNode token : json(asked + "--no-repeat-ngram 1").get("tokens"))
      tokens.add(token.asString());
    assertThat(tokens).doesNotHaveDuplicates();
    assertThat(json(asked + "--min-tokens 30").get("tokens").size()).isEqualTo(30);
  }

  @Test
  void guessing_leaves_the_greedy_text_as_it_is() {
    String asked = "--prompt Ben,Ben,Ben --temperature 0 --max-tokens 50";
    String plain = text(words(asked));
    assertThat(text(words(asked + " --prompt-lookup 3"))).isEqualTo(plain);
    JsonNode guessed = json(asked + " --prompt-lookup 3 --draft-tokens 6");
    assertThat(guessed.get("text").asString() + System.lineSeparator()).isEqualTo(plain);
    assertThat(guessed.get("targetPasses").asInt())
        .isEqualTo(guessed.get("tokens").size() - guessed.get("accepted").asInt());
    Path shipped = ProjectHome.find().path("core", "models", "storyteller");
    JsonNode itself = json(asked + " --draft " + shipped);
    assertThat(itself.get("text")).isEqualTo(guessed.get("text"));
    assertThat(itself.get("accepted")).isEqualTo(itself.get("guessed"));
  }

  @Test
  void an_interrupted_text_ends_its_line_and_nothing_follows() {
    var written = new StringWriter();
    try (var text = new TextOutput(new PrintWriter(written))) {
      assertThat(text.show("One day")).isTrue();
      text.interrupt();
      assertThat(text.show(" more")).isFalse();
    }
    assertThat(written.toString()).isEqualTo("One day" + System.lineSeparator());
    written.getBuffer().setLength(0);
    try (var text = new TextOutput(new PrintWriter(written))) {
      text.show("whole");
    }
    assertThat(written.toString()).isEqualTo("whole" + System.lineSeparator());
  }

  @Test
  void help_shows_the_groups() {
    assertThat(text("--help"))
        .contains("What is continued:", "When it ends:", "How a token is drawn:")
        .contains("Against repetition:", "What may come:", "What is shown:")
        .contains("--prompt TEXT | --prompt-file FILE | --ids");
  }
}
