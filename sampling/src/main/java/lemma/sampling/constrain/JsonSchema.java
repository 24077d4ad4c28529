package lemma.sampling.constrain;

import java.util.Map;

/// JSON values that a schema accepts, in one way of writing: no white space, properties in the
/// order in which the schema declares them.
///
/// | keyword | meaning here |
/// |---|---|
/// | `type` | one of the seven types, or a list; without it, the type that other keywords tell |
/// | `properties`, `required` | declared properties; those not required may be left out |
/// | `additionalProperties` | more properties, behind the declared ones |
/// | `items`, `minItems`, `maxItems` | elements of an array |
/// | `enum`, `const` | these values, as far as they are of the `type` |
/// | `anyOf`, `oneOf` | a value of one of the schemas |
/// | `$ref`, `$defs`, `definitions` | references `#/…` within the schema, recursive ones too |
/// | `minLength`, `maxLength` | of a string, in code points; an escape counts as its character |
/// | `pattern` | a [RegularExpression] for the whole string |
/// | `format` | `date`, `time`, `date-time`, `uuid`: days exist, no leap seconds |
/// | `minimum`, `maximum` | of an integer; or whole bounds of a number without exponent |
/// | `exclusiveMinimum`, `exclusiveMaximum` | of an integer |
///
/// These constrain nothing: `title`, `description`, `default`, `examples`, `deprecated`,
/// `readOnly`, `writeOnly`, `$schema`, `$id`, `$comment`. Every other keyword is refused with its
/// place in the schema, and so are combinations that would need an intersection (`pattern` beside
/// `maxLength`, `anyOf` beside `type`).
///
/// Where the standard leaves more open, less is written: without `additionalProperties` there are
/// none beside `properties`; their names have no escapes, nor have strings with a `pattern` or
/// `format` where JSON does not need them. Not checked is that only one schema of `oneOf` fits,
/// and that names of additional properties differ from each other.
public final class JsonSchema implements Constraint {
  private final String source;
  private final Network network;

  private JsonSchema(String source) {
    this.source = source;
    Map<String, Expression> rules = SchemaCompiler.compile(source);
    this.network = Network.of(rules, SchemaCompiler.ROOT);
  }

  /// @throws IllegalArgumentException naming the keyword and its place if it is not supported or
  ///     has a value that it cannot have; or if the schema is no JSON or accepts nothing
  public static JsonSchema of(String schema) {
    return new JsonSchema(schema);
  }

  @Override
  public String source() {
    return source;
  }

  @Override
  public Network network() {
    return network;
  }
}
