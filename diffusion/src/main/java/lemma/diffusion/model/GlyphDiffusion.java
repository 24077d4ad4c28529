package lemma.diffusion.model;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import lemma.core.format.FormatException;
import lemma.core.format.JsonFile;
import lemma.core.tensor.Tensor;
import lemma.diffusion.schedule.BetaSchedule;
import lemma.diffusion.schedule.NoiseSchedule;
import lemma.diffusion.scheduler.Denoiser;

/// The image model with what one has to know to draw with it: which schedule it was trained on. It
/// predicts the velocity v ([DenoisingObjective]).
public record GlyphDiffusion(GlyphDenoiser network, NoiseSchedule schedule) {

  /// What `./lemma train diffusion` trains.
  public static final GlyphDenoiser.Config STANDARD =
      new GlyphDenoiser.Config(24, 36, 32, 64, 128, 8, 4);

  /// Steps of the schedule that it trains on.
  public static final int TRAINING_STEPS = 1000;

  private static final String KIND = "glyph-denoiser";
  private static final String PREDICTION = "v_prediction"; // the names of diffusers
  private static final String SCHEDULE = "squaredcos_cap_v2";
  private static final int MOST_STEPS = 1_000_000;

  /// The schedule of training: ᾱ falls like a squared cosine.
  public static NoiseSchedule schedule(int steps) {
    return NoiseSchedule.of(new BetaSchedule.Cosine(), steps);
  }

  /// The network asked for one class an image; a label of `classes` asks for none.
  public Denoiser denoiser(int... labels) {
    int[] fixed = labels.clone();
    return (x, timestep) -> {
      double[] timesteps = new double[fixed.length];
      Arrays.fill(timesteps, timestep);
      return network.predict(x, timesteps, fixed);
    };
  }

  /// Reads a model folder.
  ///
  /// @throws FormatException if a file is missing or damaged, or a tensor is missing, unknown or
  ///     misshapen
  public static GlyphDiffusion load(Path folder) throws IOException {
    var files = new ModelFolder(folder);
    JsonFile json = files.config(KIND);
    expect(json, "prediction_type", PREDICTION);
    expect(json, "beta_schedule", SCHEDULE);
    int steps = json.integer("num_train_timesteps");
    if (steps < 1 || steps > MOST_STEPS) {
      throw new FormatException(
          json.file(), "num_train_timesteps must be 1 … 1000000, was " + steps);
    }
    GlyphDenoiser.Config config = config(json);
    Map<String, Tensor> weights = files.weights(GlyphDenoiser.shapes(config));
    return new GlyphDiffusion(GlyphDenoiser.of(Weights.of(weights), config), schedule(steps));
  }

  /// Writes a model folder, for a network trained on [#TRAINING_STEPS] steps.
  public static void save(Path folder, GlyphDenoiser.Config config, Map<String, Tensor> weights)
      throws IOException {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("image_size", config.imageSize());
    json.put("classes", config.classes());
    json.put("channels", config.channels());
    json.put("inner_channels", config.innerChannels());
    json.put("embedding_dim", config.embeddingDim());
    json.put("groups", config.groups());
    json.put("heads", config.heads());
    json.put("prediction_type", PREDICTION);
    json.put("beta_schedule", SCHEDULE);
    json.put("num_train_timesteps", TRAINING_STEPS);
    new ModelFolder(folder).write(KIND, json, weights);
  }

  private static GlyphDenoiser.Config config(JsonFile json) {
    try {
      return new GlyphDenoiser.Config(
          json.integer("image_size"),
          json.integer("classes"),
          json.integer("channels"),
          json.integer("inner_channels"),
          json.integer("embedding_dim"),
          json.integer("groups"),
          json.integer("heads"));
    } catch (FormatException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new FormatException(json.file(), e.getMessage(), e);
    }
  }

  private static void expect(JsonFile json, String name, String value) {
    if (!json.text(name).equals(value)) {
      throw new FormatException(
          json.file(), "%s must be %s, was %s".formatted(name, value, json.text(name)));
    }
  }
}
