package lemma.docs.figure;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import lemma.core.tensor.Tensor;
import lemma.core.training.StepRandom;
import lemma.diffusion.glyph.GlyphClass;
import lemma.diffusion.glyph.PixelImages;
import lemma.diffusion.guidance.ClassifierFreeGuidance;
import lemma.diffusion.model.GlyphDiffusion;
import lemma.diffusion.model.GlyphSampler;
import lemma.diffusion.schedule.Prediction;
import lemma.diffusion.schedule.TimestepSpacing;
import lemma.diffusion.scheduler.Clipping;
import lemma.diffusion.scheduler.Ddpm;
import lemma.diffusion.scheduler.NoiseSource;
import lemma.diffusion.scheduler.Sampler;
import lemma.diffusion.scheduler.Scheduler;
import lemma.docs.ProjectHome;

/// Figures drawn with the shipped image model.
final class GlyphFigures {
  private static final double[] GUIDANCE_SCALES = {0, 1, 3, 7};
  private static final int[] DIGITS = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  private static final double GUIDANCE = 3;
  private static final long SEED = 7;
  private static final int FRAMES = 11;

  private GlyphFigures() {}

  /// From noise to a letter in many small steps, each with fresh noise.
  static Figure ddpmTrajectory(ProjectHome home) throws IOException {
    GlyphDiffusion model = model(home);
    var scheduler =
        new Ddpm(model.schedule())
            .withPrediction(Prediction.VELOCITY)
            .withSpacing(new TimestepSpacing.Trailing())
            .withClipping(new Clipping.Static(1));
    return trajectory(
        "Ancestral sampling (DDPM) in 100 steps, every tenth shown: three letters, each from one"
            + " noise. New noise comes in at every step, so details keep changing until late.",
        model,
        scheduler,
        100);
  }

  /// From noise to a letter in few steps, without fresh noise.
  static Figure ddimTrajectory(ProjectHome home) throws IOException {
    GlyphDiffusion model = model(home);
    return trajectory(
        "DDIM with η = 0 in 10 steps, from the same noise: no noise comes in, and the letter is"
            + " decided early.",
        model,
        GlyphSampler.ddim(model, 0),
        10);
  }

  /// The ten digits at several guidance scales, a row each, from the same noise.
  static Figure guidanceGrid(ProjectHome home) throws IOException {
    GlyphDiffusion model = model(home);
    int size = model.network().config().imageSize();
    List<Tensor> rows = new ArrayList<>();
    for (double scale : GUIDANCE_SCALES)
      rows.add(GlyphSampler.of(model, 25, scale).sample(DIGITS, SEED));
    return picture(
        "The ten digits at guidance scales 0, 1, 3 and 7, from top to bottom, each column from the"
            + " same noise: 0 ignores the class, 1 is the plain conditional model, more makes the"
            + " digits clearer and more alike.",
        PixelImages.grid(stacked(rows), size, size, DIGITS.length, 2, 3));
  }

  private static Figure trajectory(
      String caption, GlyphDiffusion model, Scheduler scheduler, int steps) throws IOException {
    int size = model.network().config().imageSize();
    List<Tensor> strips = new ArrayList<>();
    for (char sign : "A5K".toCharArray()) {
      int[] label = {GlyphClass.of(sign).label()};
      int[] none = {model.network().config().nullLabel()};
      var guided =
          new ClassifierFreeGuidance(GUIDANCE).guide(model.denoiser(label), model.denoiser(none));
      NoiseSource noise = NoiseSource.gaussian(StepRandom.of(SEED, sign));
      Tensor start = noise.draw(1, 1, size, size);
      strips.add(start);
      int every = steps / (FRAMES - 1);
      new Sampler(scheduler, steps)
          .run(
              guided,
              start,
              noise,
              (step, timestep, x) -> {
                if ((step + 1) % every == 0) strips.add(x);
              });
    }
    return picture(caption, PixelImages.grid(stacked(strips), size, size, FRAMES, 2, 3));
  }

  private static double[] stacked(List<Tensor> images) {
    return Tensor.concat(0, images.toArray(Tensor[]::new)).clamp(-1, 1).toArray();
  }

  private static GlyphDiffusion model(ProjectHome home) throws IOException {
    return GlyphDiffusion.load(home.path("diffusion", "models", "glyphs"));
  }

  private static Figure picture(String caption, BufferedImage image) throws IOException {
    var bytes = new ByteArrayOutputStream();
    ImageIO.write(image, "png", bytes);
    return new Figure.Picture(caption, bytes.toByteArray(), image.getWidth(), image.getHeight());
  }
}
