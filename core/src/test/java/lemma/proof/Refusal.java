package lemma.proof;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/// Bad input is refused by an [IllegalArgumentException] in one line that names what was wrong.
public final class Refusal {
  private Refusal() {}

  /// Requires `call` to be refused by a message with each of the given words.
  public static void of(ThrowingCallable call, String... words) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .message()
        .contains(words)
        .doesNotContain("\n");
  }
}
