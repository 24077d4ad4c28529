package lemma.core.jinja;

import java.time.Clock;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lemma.core.jinja.Values.Function;

/// A template in the part of Jinja that chat templates use.
///
/// ```
/// Template.parse("{% for m in messages %}{{ m.role ~ ': ' ~ m.content }}\n{% endfor %}")
///     .render(Map.of("messages", messages), clock)
/// ```
///
/// It behaves as jinja2 does with the settings of Hugging Face's `apply_chat_template`:
/// `trim_blocks`, `lstrip_blocks`, `break` and `continue`, `raise_exception`, `strftime_now`, and
/// JSON in Python's form. A template cannot read a file, name a class, or change a value that it was
/// given; a rendering ends after 2²⁵ steps and characters.
///
/// Answer: `tokenizer/chat-template.md`.
public final class Template {
  private static final int LONGEST = 1 << 20;
  private static final int LONGEST_RANGE = 100_000; // as jinja2's sandbox has it

  private final List<Statement> statements;

  private Template(List<Statement> statements) {
    this.statements = statements;
  }

  /// @throws TemplateException if the text is no template of this language, with the line
  /// @throws IllegalArgumentException if it is longer than a million characters
  public static Template parse(String source) {
    if (source.length() > LONGEST)
      throw new IllegalArgumentException(
          "a template must have at most %d characters, this has %d"
              .formatted(LONGEST, source.length()));
    return new Template(StatementParser.parse(source));
  }

  /// The text for values of [String], [Number], [Boolean], `null`, and lists and maps of them; the
  /// clock tells what `strftime_now` says.
  ///
  /// @throws TemplateException if the template refuses its input or goes wrong, with the line
  /// @throws IllegalArgumentException if a value is of another kind
  public String render(Map<String, ?> values, Clock clock) {
    Budget budget = new Budget();
    Scope scope = new Scope(null, new HashMap<>());
    functions(clock, scope);
    values.forEach((name, value) -> scope.set(name, Values.of(value)));
    return new Renderer(budget).text(statements, scope.inner());
  }

  private static void functions(Clock clock, Scope scope) {
    Function raise =
        inputs -> {
          throw inputs.error(Values.text(inputs.required(0, "message"), inputs.line()));
        };
    scope.set("raise_exception", raise);
    Function now =
        inputs -> DateText.of(inputs.text(0, "format"), LocalDateTime.now(clock), inputs);
    scope.set("strftime_now", now);
    scope.set("range", (Function) Template::range);
    scope.set("namespace", (Function) inputs -> new Values.Namespace(members(inputs)));
    scope.set("dict", (Function) Template::members);
  }

  /// Named arguments, behind the entries of a mapping if one is given.
  private static Map<String, Object> members(Inputs inputs) {
    Map<String, Object> members = new LinkedHashMap<>();
    if (!inputs.positional().isEmpty()) {
      if (!(inputs.positional().getFirst() instanceof Map<?, ?> map))
        throw inputs.error("a mapping is expected");
      map.forEach((key, value) -> members.put(Values.text(key, inputs.line()), value));
    }
    members.putAll(inputs.named());
    return members;
  }

  private static List<Object> range(Inputs inputs) {
    inputs.expect(3);
    long first = inputs.integer(0, "start", 0);
    boolean one = !inputs.has(1, "stop");
    long from = one ? 0 : first;
    long to = one ? first : inputs.integer(1, "stop", 0);
    long step = inputs.integer(2, "step", 1);
    if (step == 0) throw inputs.error("the step of a range must not be 0");
    List<Object> range = new ArrayList<>();
    for (long i = from; step > 0 ? i < to : i > to; i += step) {
      if (range.size() == LONGEST_RANGE)
        throw inputs.error("a range must have at most %d numbers".formatted(LONGEST_RANGE));
      range.add(i);
    }
    inputs.budget().chargeItems(range.size(), inputs.line());
    return range;
  }
}
