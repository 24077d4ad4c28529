package lemma.core.position;

import static lemma.core.tensor.Tensor.LAST;
import static lemma.proof.Numbers.gap;
import static lemma.proof.Numbers.random;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.random.RandomGenerator;
import lemma.core.tensor.Tensor;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import lemma.proof.Refusal;
import org.junit.jupiter.api.Test;

@Proves("learned-position")
class LearnedPositionTest {

  @Claim("look-up")
  @Test
  void token_t_gets_row_offset_plus_t(Proof proof) {
    RandomGenerator random = random(1);
    var positions = new LearnedPosition(Tensor.gaussian(random, 20, 6));
    Tensor x = Tensor.gaussian(random, 2, 5, 6); // two texts
    for (int offset : new int[] {0, 3, 15}) {
      double[] y = positions.apply(x, offset).toArray();
      for (int text = 0; text < 2; text++)
        for (int t = 0; t < 5; t++)
          for (int c = 0; c < 6; c++)
            assertThat(y[(text * 5 + t) * 6 + c])
                .isEqualTo(x.get(text, t, c) + positions.table().get(offset + t, c));
      Tensor start = positions.apply(x.slice(1, 0, 4), offset); // a text may arrive in parts
      Tensor rest = positions.apply(x.slice(1, 4, 5), offset + 4);
      proof.atMost("max |Δ| in two parts", gap(Tensor.concat(1, start, rest).toArray(), y), 0);
    }
  }

  @Claim("past-table")
  @Test
  void a_position_past_the_table_is_an_error_that_says_so() {
    var positions = new LearnedPosition(Tensor.ones(1024, 4));
    assertThat(positions.rows(1023).shape()).containsExactly(1, 4);
    Refusal.of(() -> positions.rows(1024), "position 1024", "1024 positions", "0 … 1023");
    Refusal.of(() -> positions.rows(0, -1), "position -1");
    Refusal.of(() -> positions.apply(Tensor.ones(25, 4), 1000), "position 1024");
    assertThat(positions.apply(Tensor.ones(24, 4), 1000).shape()).containsExactly(24, 4);
  }

  @Claim("untrained")
  @Test
  void rows_that_no_text_reaches_get_no_gradient() {
    RandomGenerator random = random(2);
    Tensor table = Tensor.gaussian(random, 12, 4).parameter();
    Tensor loss = new LearnedPosition(table).apply(Tensor.gaussian(random, 7, 4), 0).square().sum();
    Tensor gradient = loss.backward().of(table);
    for (int p = 0; p < 12; p++) {
      double[] row = gradient.select(0, p).toArray();
      if (p < 7) assertThat(row).doesNotContain(0.0);
      else assertThat(row).containsOnly(0.0);
    }
  }

  @Claim("stretched")
  @Test
  void a_stretched_table_keeps_its_rows_in_place_and_fills_the_space_between(Proof proof) {
    var positions = new LearnedPosition(Tensor.gaussian(random(4), 10, 4));
    LearnedPosition twice = positions.stretched(19); // a new row in each gap
    for (int p = 0; p < 10; p++) {
      double[] old = positions.rows(p).toArray();
      proof.atMost("max |Δ| of an old row", gap(twice.rows(2 * p).toArray(), old), 1e-15);
      if (p == 9) break;
      double[] middle = positions.rows(p).add(positions.rows(p + 1)).div(2).toArray();
      proof.atMost("max |Δ| to the mean", gap(twice.rows(2 * p + 1).toArray(), middle), 1e-15);
    }
    LearnedPosition longer = positions.stretched(1000);
    assertThat(longer.rows(0).toArray()).isEqualTo(positions.rows(0).toArray());
    assertThat(longer.rows(999).toArray()).isEqualTo(positions.rows(9).toArray());
    assertThat(positions.stretched(10).table().toArray()).isEqualTo(positions.table().toArray());
  }

  @Claim("absolute")
  @Test
  void the_same_text_elsewhere_is_attended_to_differently(Proof proof) {
    RandomGenerator random = random(3);
    var positions = new LearnedPosition(Tensor.gaussian(random, 64, 16));
    Tensor x = Tensor.gaussian(random, 5, 16);
    Tensor first = weights(positions.apply(x, 0));
    for (int offset : new int[] {1, 10, 59})
      proof.atLeast(
          "most change of a weight",
          gap(weights(positions.apply(x, offset)).toArray(), first.toArray()),
          0.05);
  }

  private static Tensor weights(Tensor x) {
    return x.matmulTransposed(x).div(4).softmax(LAST);
  }

  @Claim("bad-input")
  @Test
  void bad_input_is_refused_by_name() {
    Refusal.of(() -> new LearnedPosition(Tensor.ones(4)), "table", "[4]");
    var positions = new LearnedPosition(Tensor.ones(8, 4));
    Refusal.of(() -> positions.stretched(1), "newLength", "1");
    Refusal.of(() -> positions.apply(Tensor.ones(2, 3), 0), "x", "4", "[2, 3]");
    Refusal.of(() -> positions.apply(Tensor.ones(4), 0), "x", "[4]");
  }
}
