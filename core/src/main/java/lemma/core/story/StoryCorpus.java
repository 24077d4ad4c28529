package lemma.core.story;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Stories to train on, and stories that the model never sees.
///
/// A folder holds text files; a story is a paragraph, and blank lines stand between stories. Over all
/// files in the order of their names every [#EVERY]th story is held out.
public record StoryCorpus(List<String> training, List<String> heldOut) {
  /// One story of this many is held out.
  public static final int EVERY = 20;

  /// @throws IllegalArgumentException if there is nothing to train on or nothing held out
  public StoryCorpus {
    training = List.copyOf(training);
    heldOut = List.copyOf(heldOut);
    if (training.isEmpty() || heldOut.isEmpty())
      throw new IllegalArgumentException(
          "there must be at least %d stories, were %d"
              .formatted(EVERY, training.size() + heldOut.size()));
  }

  /// Reads every `.txt` file of a folder.
  public static StoryCorpus read(Path folder) throws IOException {
    if (!Files.exists(folder)) throw new NoSuchFileException(folder.toString());
    if (!Files.isDirectory(folder)) throw new NotDirectoryException(folder.toString());
    List<String> all = new ArrayList<>();
    try (var files = Files.list(folder)) {
      for (Path file : files.filter(path -> path.toString().endsWith(".txt")).sorted().toList())
        for (String story : Files.readString(file).split("\\n\\s*\\n"))
          if (!story.isBlank()) all.add(story.strip());
    }
    return split(all);
  }

  /// Holds every [#EVERY]th story out.
  public static StoryCorpus split(List<String> stories) {
    List<String> training = new ArrayList<>();
    List<String> heldOut = new ArrayList<>();
    for (int i = 0; i < stories.size(); i++)
      (i % EVERY == EVERY - 1 ? heldOut : training).add(stories.get(i));
    return new StoryCorpus(training, heldOut);
  }
}
