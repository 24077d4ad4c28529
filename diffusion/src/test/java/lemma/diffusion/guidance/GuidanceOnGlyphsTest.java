package lemma.diffusion.guidance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.IntStream;
import lemma.core.tensor.Tensor;
import lemma.diffusion.glyph.GlyphDataset;
import lemma.diffusion.model.GlyphClassifier;
import lemma.diffusion.model.GlyphDiffusion;
import lemma.diffusion.model.GlyphSampler;
import lemma.diffusion.model.GlyphScore;
import lemma.proof.Claim;
import lemma.proof.Proof;
import lemma.proof.Proves;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// What guidance does to the shipped image model, as the shipped classifier sees it.
@Proves("cfg")
class GuidanceOnGlyphsTest {
  private static final int OF_EACH_CLASS = 3;
  private static final int STEPS = 8;

  private static GlyphScore unconditional;
  private static GlyphScore conditional;
  private static GlyphScore guided;
  private static GlyphScore overdone;
  private static GlyphScore data;

  @BeforeAll
  static void draw() throws IOException {
    GlyphDiffusion model = GlyphDiffusion.load(Path.of("models/glyphs"));
    GlyphClassifier classifier = GlyphClassifier.load(Path.of("models/glyph-classifier"));
    int classes = model.network().config().classes();
    int[] labels = IntStream.range(0, OF_EACH_CLASS * classes).map(i -> i % classes).toArray();
    unconditional = score(model, classifier, labels, 0);
    conditional = score(model, classifier, labels, 1);
    guided = score(model, classifier, labels, 3);
    overdone = score(model, classifier, labels, 7);
    GlyphDataset.Batch real = new GlyphDataset(24, 1).heldOut(labels.length);
    Tensor images = Tensor.ofShared(real.pixels(), labels.length, 1, 24, 24);
    data = GlyphScore.of(classifier, images, real.labels());
  }

  private static GlyphScore score(
      GlyphDiffusion model, GlyphClassifier classifier, int[] labels, double scale) {
    Tensor images = GlyphSampler.of(model, STEPS, scale).sample(labels, 3);
    return GlyphScore.of(classifier, images, labels);
  }

  @Claim("fidelity")
  @Test
  void more_glyphs_are_what_they_should_be_at_a_higher_scale(Proof proof) {
    proof.atMost("read right at scale 0", unconditional.accuracy(), 0.15); // chance is 0.03
    proof.measured("read right at scale 1", conditional.accuracy());
    proof.atLeast("read right at scale 3", guided.accuracy(), 0.9);
    assertThat(guided.accuracy()).isGreaterThan(conditional.accuracy());
    assertThat(conditional.accuracy()).isGreaterThan(unconditional.accuracy());
  }

  @Claim("diversity")
  @Test
  void glyphs_of_one_class_resemble_each_other_more_at_a_higher_scale(Proof proof) {
    proof.measured("diversity of real glyphs", data.diversity());
    proof.measured("diversity at scale 1", conditional.diversity());
    proof.measured("diversity at scale 3", guided.diversity());
    proof.measured("diversity at scale 7", overdone.diversity());
    assertThat(guided.diversity()).isLessThan(conditional.diversity());
    assertThat(overdone.diversity()).isLessThan(guided.diversity());
  }
}
