package lemma.core.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import lemma.core.jinja.Token.Kind;

/// The statements of a template. Tags that chat templates do not use are refused by name.
final class StatementParser {
  private final TokenStream tokens;
  private final ExpressionParser expressions;
  private int loops; // that we are inside of

  private StatementParser(TokenStream tokens) {
    this.tokens = tokens;
    expressions = new ExpressionParser(tokens);
  }

  static List<Statement> parse(String source) {
    return new StatementParser(new TokenStream(Lexer.tokens(source))).body(Set.of());
  }

  /// Statements up to a tag with one of the names, which is left at its name.
  private List<Statement> body(Set<String> ends) {
    tokens.enter();
    List<Statement> statements = new ArrayList<>();
    while (true) {
      Token token = tokens.take();
      switch (token.kind()) {
        case TEXT -> statements.add(new Statement.Text(token.text(), token.line()));
        case OUTPUT_BEGIN -> {
          statements.add(new Statement.Output(expressions.expressions()));
          tokens.expect(Kind.OUTPUT_END, "}}");
        }
        case BLOCK_BEGIN -> {
          if (ends.contains(tokens.peek().text())) {
            tokens.leave();
            return statements;
          }
          statements.add(statement(tokens.name()));
        }
        default -> {
          if (!ends.isEmpty())
            throw new TemplateException(
                token.line(), "the template ends before " + String.join(" or ", ends));
          tokens.leave();
          return statements;
        }
      }
    }
  }

  /// The body up to its one end tag, which is taken.
  private List<Statement> bodyThrough(String end) {
    closeTag();
    List<Statement> body = body(Set.of(end));
    tokens.take();
    closeTag();
    return body;
  }

  private void closeTag() {
    tokens.expect(Kind.BLOCK_END, "%}");
  }

  private Statement statement(String name) {
    return switch (name) {
      case "if" -> conditional();
      case "for" -> loop();
      case "set" -> assignment();
      case "macro" -> macro();
      case "generation" -> new Statement.Group(bodyThrough("endgeneration"));
      case "break", "continue" -> {
        if (loops == 0)
          throw new TemplateException(tokens.line(), name + " stands outside of a loop");
        closeTag();
        yield name.equals("break") ? new Statement.Break() : new Statement.Continue();
      }
      default ->
          throw new TemplateException(
              tokens.line(),
              "tag \"%s\" is not supported here: expected if, for, set, macro, generation, break or"
                      .formatted(name)
                  + " continue");
    };
  }

  private Statement conditional() {
    List<Statement.If.Branch> branches = new ArrayList<>();
    List<Statement> otherwise = List.of();
    Set<String> ends = Set.of("elif", "else", "endif");
    String tag = "elif";
    while (tag.equals("elif")) {
      Expression condition = expressions.expressions();
      closeTag();
      branches.add(new Statement.If.Branch(condition, body(ends)));
      tag = tokens.name();
    }
    if (tag.equals("else")) {
      closeTag();
      otherwise = body(Set.of("endif"));
      tokens.take();
    }
    closeTag();
    return new Statement.If(branches, otherwise);
  }

  private Statement loop() {
    int line = tokens.line();
    boolean bracket = tokens.skip("(");
    List<String> targets = names();
    if (bracket) tokens.expect(")");
    if (!tokens.skipName("in")) throw tokens.unexpected("\"in\"");
    Expression items = expressions.or();
    Optional<Expression> condition =
        tokens.skipName("if") ? Optional.of(expressions.expression()) : Optional.empty();
    closeTag();
    loops++;
    List<Statement> body = body(Set.of("else", "endfor"));
    loops--;
    List<Statement> otherwise = List.of();
    if (tokens.name().equals("else")) {
      closeTag();
      otherwise = body(Set.of("endfor"));
      tokens.take();
    }
    closeTag();
    return new Statement.For(targets, items, condition, body, otherwise, line);
  }

  private List<String> names() {
    List<String> names = new ArrayList<>(List.of(tokens.name()));
    while (tokens.skip(",")) names.add(tokens.name());
    return names;
  }

  private Statement assignment() {
    int line = tokens.line();
    List<String> names = names();
    if (names.size() == 1 && tokens.skip(".")) {
      String member = tokens.name();
      tokens.expect("=");
      Expression value = expressions.expressions();
      closeTag();
      return new Statement.SetMember(names.getFirst(), member, value, line);
    }
    if (names.size() == 1 && tokens.peek().kind() == Kind.BLOCK_END)
      return new Statement.SetText(names.getFirst(), bodyThrough("endset"));
    tokens.expect("=");
    Expression value = expressions.expressions();
    closeTag();
    return new Statement.SetNames(names, value, line);
  }

  private Statement macro() {
    int line = tokens.line();
    String name = tokens.name();
    Map<String, Optional<Expression>> parameters = new LinkedHashMap<>();
    tokens.expect("(");
    while (!tokens.skip(")")) {
      String parameter = tokens.name();
      Optional<Expression> otherwise =
          tokens.skip("=") ? Optional.of(expressions.expression()) : Optional.empty();
      parameters.put(parameter, otherwise);
      if (!tokens.at(")")) tokens.expect(",");
    }
    int outside = loops;
    loops = 0;
    List<Statement> body = bodyThrough("endmacro");
    loops = outside;
    return new Statement.Macro(name, parameters, body, line);
  }
}
