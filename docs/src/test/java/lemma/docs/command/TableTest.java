package lemma.docs.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

@DisplayNameGeneration(ReplaceUnderscores.class)
class TableTest {

  @Test
  void numbers_stand_to_the_right_and_words_to_the_left() {
    assertThat(new Table("form", "µs").row("scalar", 12.5).row("lanes", 3).toString())
        .isEqualTo(
            """
            form      µs
            scalar  12.5
            lanes      3
            """);
  }

  @Test
  void an_ideograph_takes_two_columns() {
    assertThat(new Table("a", "b").row("归一", "x").row("abcd", "y").toString())
        .isEqualTo(
            """
            a     b
            归一  x
            abcd  y
            """);
  }

  @Test
  void a_row_of_another_length_is_refused() {
    assertThatThrownBy(() -> new Table("a", "b").row(1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("cells must be 2, one a column, were 1");
  }
}
