package lemma.diffusion.model;

import static lemma.core.tensor.Tensor.LAST;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.random.RandomGenerator;
import lemma.core.feedforward.Linear;
import lemma.core.format.FormatException;
import lemma.core.format.JsonFile;
import lemma.core.tensor.Tensor;

/// Reads glyphs: a small convolutional network, the judge of drawn ones.
///
/// ```
/// x [1, 24, 24] → conv [16, 24, 24] → conv/2 [32, 12, 12] → conv/2 [64, 6, 6] → conv/2 [64, 3, 3]
///   → linear [features] → linear [classes]                                    silu after each but the last
/// ```
///
/// Its features are what distances between sets of images are measured in, as Inception's are for
/// photographs.
public record GlyphClassifier(
    Config config,
    Conv2d conv1,
    Conv2d conv2,
    Conv2d conv3,
    Conv2d conv4,
    Linear hidden,
    Linear out) {

  /// The sizes of the network.
  ///
  /// @param imageSize height and width of the images, a multiple of 8
  /// @param channels of the first convolution; the others have two and four times as many
  /// @param features length of the vector before the last layer
  public record Config(int imageSize, int classes, int channels, int features) {

    /// @throws IllegalArgumentException if a size is not positive
    public Config {
      if (imageSize < 8 || imageSize % 8 != 0) {
        throw new IllegalArgumentException(
            "imageSize must be a positive multiple of 8, was " + imageSize);
      }
      if (classes < 1 || channels < 1 || features < 1) {
        throw new IllegalArgumentException(
            "classes %d, channels %d and features %d must be positive"
                .formatted(classes, channels, features));
      }
    }
  }

  /// What `./lemma train classifier` trains.
  public static final Config STANDARD = new Config(24, 36, 16, 64);

  private static final String KIND = "glyph-classifier";

  /// Reads a model folder.
  ///
  /// @throws FormatException if a file is missing or damaged, or a tensor is missing, unknown or
  ///     misshapen
  public static GlyphClassifier load(Path folder) throws IOException {
    var files = new ModelFolder(folder);
    JsonFile json = files.config(KIND);
    Config config;
    try {
      config =
          new Config(
              json.integer("image_size"),
              json.integer("classes"),
              json.integer("channels"),
              json.integer("features"));
    } catch (FormatException e) {
      throw e;
    } catch (IllegalArgumentException e) {
      throw new FormatException(json.file(), e.getMessage(), e);
    }
    return of(Weights.of(files.weights(shapes(config))), config);
  }

  /// Writes a model folder.
  public static void save(Path folder, Config config, Map<String, Tensor> weights)
      throws IOException {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("image_size", config.imageSize());
    json.put("classes", config.classes());
    json.put("channels", config.channels());
    json.put("features", config.features());
    new ModelFolder(folder).write(KIND, json, weights);
  }

  /// Asks for every parameter of the network.
  public static GlyphClassifier of(Weights weights, Config config) {
    int c = config.channels();
    int side = config.imageSize() / 8;
    return new GlyphClassifier(
        config,
        Conv2d.same(weights.under("conv1"), 1, c, 3),
        Conv2d.of(weights.under("conv2"), c, 2 * c, 3, 2, 1),
        Conv2d.of(weights.under("conv3"), 2 * c, 4 * c, 3, 2, 1),
        Conv2d.of(weights.under("conv4"), 4 * c, 4 * c, 3, 2, 1),
        weights.linear("hidden", 4 * c * side * side, config.features()),
        weights.linear("out", config.features(), config.classes()));
  }

  /// Names and shapes of all parameters.
  public static Map<String, int[]> shapes(Config config) {
    return Weights.shapesOf(weights -> of(weights, config));
  }

  /// Parameters to start training from.
  public static Map<String, Tensor> initial(Config config, RandomGenerator random) {
    return Weights.initial(shapes(config), random);
  }

  /// `x [n, 1, size, size] → [n, features]`.
  ///
  /// @throws IllegalArgumentException if `x` has another shape
  public Tensor features(Tensor x) {
    int size = config.imageSize();
    if (x.rank() != 4 || x.size(1) != 1 || x.size(2) != size || x.size(3) != size) {
      throw new IllegalArgumentException(
          "x must be [n, 1, %d, %d], was %s".formatted(size, size, Arrays.toString(x.shape())));
    }
    Tensor h = conv1.apply(x).silu();
    h = conv2.apply(h).silu();
    h = conv3.apply(h).silu();
    h = conv4.apply(h).silu();
    return hidden.apply(h.reshape(x.size(0), -1)).silu();
  }

  /// `x [n, 1, size, size] → [n, classes]`, logarithms of odds up to a constant.
  public Tensor logits(Tensor x) {
    return out.apply(features(x));
  }

  /// The most likely class of each image.
  public int[] classify(Tensor x) {
    return logits(x).argMax(LAST);
  }
}
