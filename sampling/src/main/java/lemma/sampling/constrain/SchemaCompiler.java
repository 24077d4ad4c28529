package lemma.sampling.constrain;

import static lemma.sampling.constrain.Expression.choice;
import static lemma.sampling.constrain.Expression.optional;
import static lemma.sampling.constrain.Expression.sequence;
import static lemma.sampling.constrain.Expression.text;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import lemma.sampling.constrain.Expression.Repeat;
import lemma.sampling.constrain.Expression.Rule;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Turns a JSON schema into the rules of a grammar: one rule a subschema, named by its place, so
/// that a reference is a call.
///
/// ```
/// #              → "{" "\"name\":" #/properties/name ("," "\"next\":" #)? "}"
/// #/properties/… → …
/// ```
final class SchemaCompiler {
  /// The place of the schema itself.
  static final String ROOT = "#";

  /// Levels of nesting that a schema may have.
  static final int DEEPEST = 64;

  /// The longest name of a property, and the most digits of a bound.
  static final int LONGEST = 256;

  private static final int LONGEST_SCHEMA = 1 << 20;
  private static final int MOST_REPETITIONS = RegexParser.MAX_COUNT;

  private static final Set<String> ANNOTATIONS =
      Set.of(
          "title",
          "description",
          "default",
          "examples",
          "deprecated",
          "readOnly",
          "writeOnly",
          "$schema",
          "$id",
          "$comment",
          "$defs",
          "definitions");

  /// What the keywords about values of one type are.
  private static final Map<String, Set<String>> BY_TYPE =
      Map.of(
          "object", Set.of("properties", "required", "additionalProperties"),
          "array", Set.of("items", "minItems", "maxItems"),
          "string", Set.of("minLength", "maxLength", "pattern", "format"),
          "number", Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
          "integer", Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
          "boolean", Set.of(),
          "null", Set.of());

  private static final String TIME = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?";
  private static final String ZONE = "(Z|[+-](0\\d|1[0-7]):[0-5]\\d)";
  private static final String DATE =
      "(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)"
          + "|02-(0[1-9]|1\\d|2[0-8]))"
          + "|(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)";
  private static final Map<String, String> FORMATS =
      Map.of(
          "date",
          DATE,
          "time",
          TIME + ZONE,
          "date-time",
          DATE + "T" + TIME + ZONE,
          "uuid",
          "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");

  private static final JsonMapper STRICT =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(DEEPEST).build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build();

  private final JsonNode root;
  private final Map<String, Expression> rules = JsonText.rules();

  private SchemaCompiler(JsonNode root) {
    this.root = root;
  }

  static Map<String, Expression> compile(String schema) {
    if (schema.length() > LONGEST_SCHEMA)
      throw new IllegalArgumentException(
          "schema has %d characters, at most %d are read"
              .formatted(schema.length(), LONGEST_SCHEMA));
    JsonNode root;
    try {
      root = STRICT.readTree(schema);
    } catch (JacksonException e) {
      throw new IllegalArgumentException("schema is not valid JSON: " + e.getOriginalMessage(), e);
    }
    var compiler = new SchemaCompiler(root);
    compiler.rule(root, ROOT);
    return compiler.rules;
  }

  /// The rule for the schema at a place.
  private Expression rule(JsonNode schema, String place) {
    if (!rules.containsKey(place)) {
      rules.put(place, Expression.NOTHING); // being made: it may refer to itself
      rules.put(place, expression(schema, place));
    }
    return new Rule(place);
  }

  private Expression expression(JsonNode schema, String place) {
    if (schema.isBoolean()) return schema.asBoolean() ? JsonText.ANY : Expression.NOTHING;
    if (!schema.isObject()) throw wrong(place, "a schema must be an object, true or false");
    for (String keyword : List.of("$ref", "anyOf", "oneOf"))
      if (schema.has(keyword)) {
        onlyWith(schema, place, Set.of(keyword));
        if (keyword.equals("$ref")) return reference(schema.get(keyword), place);
        return union(schema.get(keyword), place + "/" + keyword);
      }
    Set<String> types = types(schema, place);
    if (schema.has("enum") || schema.has("const")) {
      onlyWith(schema, place, Set.of("enum", "const", "type"));
      return values(schema, types, place);
    }
    if (types.isEmpty()) {
      onlyWith(schema, place, Set.of());
      return JsonText.ANY;
    }
    Set<String> known = new TreeSet<>(Set.of("type"));
    BY_TYPE.values().forEach(known::addAll);
    onlyWith(schema, place, known);
    return new Expression.Choice(types.stream().map(t -> ofType(t, schema, place)).toList());
  }

  private Expression ofType(String type, JsonNode schema, String place) {
    return switch (type) {
      case "object" -> object(schema, place);
      case "array" -> array(schema, place);
      case "string" -> string(schema, place);
      case "number" -> number(schema, place);
      case "integer" -> integer(schema, place);
      case "boolean" -> choice(text("true"), text("false"));
      default -> text("null");
    };
  }

  /// The types that are named, or that the other keywords speak of.
  private static Set<String> types(JsonNode schema, String place) {
    Set<String> types = new LinkedHashSet<>();
    JsonNode named = schema.get("type");
    if (named == null) {
      for (String type : List.of("object", "array", "string", "number"))
        if (BY_TYPE.get(type).stream().anyMatch(schema::has)) types.add(type);
    } else if (named.isString()) types.add(named.asString());
    else if (named.isArray() && !named.isEmpty()) named.forEach(t -> types.add(t.asString("")));
    else throw wrong(place + "/type", "must be a type or a list of types, was " + named);
    for (String type : types)
      if (!BY_TYPE.containsKey(type))
        throw wrong(place + "/type", "there is no type \"" + type + '"');
    if (types.contains("number")) types.remove("integer"); // which numbers are too
    return types;
  }

  private Expression reference(JsonNode reference, String place) {
    String target = reference.asString("");
    if (!target.equals("#") && !target.startsWith("#/"))
      throw wrong(place + "/$ref", "only references within the schema (#/…), was " + reference);
    JsonNode schema = root;
    for (String step : target.length() < 2 ? new String[0] : target.substring(2).split("/", -1)) {
      String name = step.replace("~1", "/").replace("~0", "~");
      schema = schema.isArray() ? element(schema, name) : schema.get(name);
      if (schema == null) throw wrong(place + "/$ref", "there is nothing at " + target);
    }
    return rule(schema, target);
  }

  private static JsonNode element(JsonNode array, String index) {
    return index.matches("\\d{1,6}") ? array.get(Integer.parseInt(index)) : null;
  }

  private Expression union(JsonNode schemas, String place) {
    if (!schemas.isArray() || schemas.isEmpty())
      throw wrong(place, "must be a list of schemas, was " + schemas);
    var options = new ArrayList<Expression>();
    for (int i = 0; i < schemas.size(); i++) options.add(rule(schemas.get(i), place + "/" + i));
    return new Expression.Choice(options);
  }

  private static Expression values(JsonNode schema, Set<String> types, String place) {
    JsonNode named = schema.get("enum");
    JsonNode single = schema.get("const");
    if (named != null && !named.isArray()) throw wrong(place + "/enum", "must be a list");
    var options = new ArrayList<Expression>();
    Iterable<JsonNode> candidates = named == null ? List.of(single) : named;
    for (JsonNode value : candidates) {
      if (single != null && !value.equals(single)) continue;
      if (!types.isEmpty() && types.stream().noneMatch(type -> isOf(type, value))) continue;
      options.add(limited(value.toString(), place));
    }
    return new Expression.Choice(options);
  }

  private static boolean isOf(String type, JsonNode value) {
    return switch (type) {
      case "object" -> value.isObject();
      case "array" -> value.isArray();
      case "string" -> value.isString();
      case "number" -> value.isNumber();
      case "integer" -> value.isNumber() && value.decimalValue().stripTrailingZeros().scale() <= 0;
      case "boolean" -> value.isBoolean();
      default -> value.isNull();
    };
  }

  private Expression object(JsonNode schema, String place) {
    JsonNode properties = schema.get("properties");
    JsonNode additional = schema.get("additionalProperties");
    Map<String, JsonNode> declared = new LinkedHashMap<>();
    if (properties != null && !properties.isObject())
      throw wrong(place + "/properties", "must be an object");
    if (properties != null)
      properties.properties().forEach(p -> declared.put(p.getKey(), p.getValue()));
    Set<String> required = required(schema, declared, place);

    Expression other = Expression.NOTHING;
    if (additional != null || properties == null) {
      Expression value =
          additional == null ? JsonText.ANY : rule(additional, place + "/additionalProperties");
      other = sequence(JsonText.otherName(declared.keySet()), text(":"), value);
    }
    // from the last property to the first: what follows if one was written, or if none was yet
    String after = place + " after ";
    String first = place + " from ";
    int n = declared.size();
    rules.put(after + n, new Repeat(sequence(text(","), other), 0, Repeat.UNBOUNDED));
    rules.put(first + n, optional(sequence(other, new Rule(after + n))));
    List<String> names = List.copyOf(declared.keySet());
    for (int i = n - 1; i >= 0; i--) {
      String name = names.get(i);
      if (name.length() > LONGEST)
        throw wrong(place + "/properties", "a name has more than " + LONGEST + " characters");
      Expression value = rule(declared.get(name), place + "/properties/" + pointer(name));
      Expression member = sequence(limited(quote(name), place), text(":"), value);
      Expression next = sequence(text(","), member);
      boolean needed = required.contains(name);
      Rule rest = new Rule(after + (i + 1));
      rules.put(after + i, sequence(needed ? next : optional(next), rest));
      Expression begin = sequence(member, rest);
      rules.put(first + i, needed ? begin : choice(begin, new Rule(first + (i + 1))));
    }
    return sequence(text("{"), new Rule(first + 0), text("}"));
  }

  private static Set<String> required(
      JsonNode schema, Map<String, JsonNode> declared, String place) {
    JsonNode list = schema.get("required");
    Set<String> required = new LinkedHashSet<>();
    if (list == null) return required;
    if (!list.isArray()) throw wrong(place + "/required", "must be a list of names");
    for (JsonNode name : list) {
      if (!name.isString() || !declared.containsKey(name.asString()))
        throw wrong(place + "/required", "names " + name + ", which properties does not declare");
      required.add(name.asString());
    }
    return required;
  }

  private Expression array(JsonNode schema, String place) {
    int min = count(schema, "minItems", 0, place);
    int max = count(schema, "maxItems", Repeat.UNBOUNDED, place);
    if (max < min) throw wrong(place, "maxItems " + max + " is less than minItems " + min);
    JsonNode items = schema.get("items");
    Expression item = items == null ? JsonText.ANY : rule(items, place + "/items");
    return JsonText.array(item, min, max);
  }

  private static Expression string(JsonNode schema, String place) {
    boolean bounded = schema.has("minLength") || schema.has("maxLength");
    boolean pattern = schema.has("pattern");
    boolean format = schema.has("format");
    if (bounded && pattern || bounded && format || pattern && format)
      throw wrong(place, "only one of pattern, format and a length is supported together");
    if (pattern && !schema.get("pattern").isString())
      throw wrong(place + "/pattern", "must be a string, was " + schema.get("pattern"));
    if (pattern) return matching(schema.get("pattern").asString(), place + "/pattern");
    if (format) {
      String name = schema.get("format").asString("");
      if (!FORMATS.containsKey(name))
        throw wrong(
            place + "/format",
            "\"%s\" is not supported, only %s".formatted(name, new TreeSet<>(FORMATS.keySet())));
      return matching(FORMATS.get(name), place);
    }
    int min = count(schema, "minLength", 0, place);
    int max = count(schema, "maxLength", Repeat.UNBOUNDED, place);
    if (max < min) throw wrong(place, "maxLength " + max + " is less than minLength " + min);
    return JsonText.string(min, max);
  }

  private static Expression matching(String pattern, String place) {
    try {
      return JsonText.quoted(JsonText.escaped(RegexParser.parse(pattern)));
    } catch (IllegalArgumentException e) {
      throw wrong(place, e.getMessage());
    }
  }

  private static Expression integer(JsonNode schema, String place) {
    BigInteger min = bound(schema, "minimum", RoundingMode.CEILING, place);
    BigInteger max = bound(schema, "maximum", RoundingMode.FLOOR, place);
    BigInteger above = bound(schema, "exclusiveMinimum", RoundingMode.FLOOR, place);
    BigInteger below = bound(schema, "exclusiveMaximum", RoundingMode.CEILING, place);
    if (above != null) min = above.add(BigInteger.ONE).max(min == null ? above : min);
    if (below != null) max = below.subtract(BigInteger.ONE).min(max == null ? below : max);
    if (min != null && max != null && max.compareTo(min) < 0)
      throw wrong(place, "no integer is at least " + min + " and at most " + max);
    return JsonText.integer(min, max);
  }

  private static Expression number(JsonNode schema, String place) {
    for (String keyword : List.of("exclusiveMinimum", "exclusiveMaximum"))
      if (schema.has(keyword))
        throw wrong(place + "/" + keyword, "is supported for the type integer only");
    BigInteger min = bound(schema, "minimum", RoundingMode.UNNECESSARY, place);
    BigInteger max = bound(schema, "maximum", RoundingMode.UNNECESSARY, place);
    if (min == null && max == null) return JsonText.number();
    if (min != null && max != null && max.compareTo(min) < 0)
      throw wrong(place, "no number is at least " + min + " and at most " + max);
    return JsonText.number(min, max);
  }

  private static BigInteger bound(
      JsonNode schema, String keyword, RoundingMode rounding, String place) {
    JsonNode value = schema.get(keyword);
    if (value == null) return null;
    if (!value.isNumber()) throw wrong(place + "/" + keyword, "must be a number, was " + value);
    BigDecimal bound = value.decimalValue();
    if (bound.precision() - bound.scale() > LONGEST || bound.scale() > LONGEST)
      throw wrong(place + "/" + keyword, "has more than " + LONGEST + " digits");
    try {
      return bound.setScale(0, rounding).toBigIntegerExact();
    } catch (ArithmeticException e) {
      throw wrong(place + "/" + keyword, "of a number must be whole, was " + value);
    }
  }

  private static int count(JsonNode schema, String keyword, int otherwise, String place) {
    JsonNode value = schema.get(keyword);
    if (value == null) return otherwise;
    if (!value.isIntegralNumber()
        || !value.canConvertToInt()
        || value.asInt() < 0
        || value.asInt() > MOST_REPETITIONS)
      throw wrong(
          place + "/" + keyword, "must be from 0 to %d, was %s".formatted(MOST_REPETITIONS, value));
    return value.asInt();
  }

  private static Expression limited(String text, String place) {
    if (text.codePoints().anyMatch(c -> c >= 0xD800 && c <= 0xDFFF))
      throw wrong(place, "half a surrogate pair");
    return text(text);
  }

  private static String quote(String name) {
    return STRICT.writeValueAsString(name);
  }

  private static String pointer(String name) {
    return name.replace("~", "~0").replace("/", "~1");
  }

  /// Refuses every keyword that is neither an annotation nor one of `known`.
  private static void onlyWith(JsonNode schema, String place, Set<String> known) {
    for (String keyword : schema.propertyNames())
      if (!known.contains(keyword) && !ANNOTATIONS.contains(keyword))
        throw wrong(
            place + "/" + keyword,
            "is not supported" + (known.isEmpty() ? "" : " beside " + new TreeSet<>(known)));
  }

  private static IllegalArgumentException wrong(String place, String problem) {
    return new IllegalArgumentException("schema at %s: %s".formatted(place, problem));
  }
}
