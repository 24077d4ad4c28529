package lemma.docs.command;

import java.util.List;
import java.util.function.Predicate;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/// The options that were given, and those that do not go together.
record GivenOptions(List<OptionSpec> options) {

  static GivenOptions of(CommandSpec spec) {
    return new GivenOptions(spec.commandLine().getParseResult().matchedOptions());
  }

  /// @throws IllegalArgumentException if one of `names` was given, with the reason why not
  void refuse(String why, String... names) {
    refuse(" is not possible: " + why, option -> isOneOf(option, names));
  }

  /// @throws IllegalArgumentException if an option of this class was given
  void refuseGroup(String why, Class<?> group) {
    refuse(" is not possible: " + why, option -> isIn(option, group));
  }

  /// @throws IllegalArgumentException if one of `names` was given, which is nothing without `missing`
  void need(String missing, String... names) {
    refuse(" needs " + missing, option -> isOneOf(option, names));
  }

  /// @throws IllegalArgumentException if two of `names` were given
  void oneOf(String... names) {
    List<String> given =
        options.stream().filter(o -> isOneOf(o, names)).map(OptionSpec::longestName).toList();
    if (given.size() > 1)
      throw new IllegalArgumentException(given.get(1) + " is not possible beside " + given.get(0));
  }

  private void refuse(String reason, Predicate<OptionSpec> refused) {
    for (OptionSpec option : options)
      if (refused.test(option)) throw new IllegalArgumentException(option.longestName() + reason);
  }

  private static boolean isOneOf(OptionSpec option, String... names) {
    return List.of(names).contains(option.longestName());
  }

  private static boolean isIn(OptionSpec option, Class<?> group) {
    return option.group() != null && option.group().typeInfo().getType() == group;
  }
}
