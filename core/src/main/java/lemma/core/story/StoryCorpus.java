package lemma.core.story;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Stories to train on, and stories that the model never sees.
///
/// A folder holds text files; a story is a paragraph, and blank lines stand between stories. Over all
/// files in the order of their names every [#EVERY]th story is held out. The folder may hold one
/// `.grammar` file, by whose rules more stories are told.
///
/// @param rules of stories that are told, not written; nothing of them is held out
public record StoryCorpus(
    List<String> training, List<String> heldOut, Optional<StoryGrammar> rules) {
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

  /// Reads every `.txt` file of a folder, and its `.grammar`.
  public static StoryCorpus read(Path folder) throws IOException {
    if (!Files.exists(folder)) throw new NoSuchFileException(folder.toString());
    if (!Files.isDirectory(folder)) throw new NotDirectoryException(folder.toString());
    List<String> all = new ArrayList<>();
    Optional<StoryGrammar> rules = Optional.empty();
    for (Path file : sorted(folder)) {
      if (file.toString().endsWith(".grammar")) rules = Optional.of(StoryGrammar.read(file));
      if (!file.toString().endsWith(".txt")) continue;
      for (String story : Files.readString(file).split("\\n\\s*\\n"))
        if (!story.isBlank()) all.add(story.strip());
    }
    return split(all, rules);
  }

  private static List<Path> sorted(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  /// Holds every [#EVERY]th story out.
  public static StoryCorpus split(List<String> stories, Optional<StoryGrammar> rules) {
    List<String> training = new ArrayList<>();
    List<String> heldOut = new ArrayList<>();
    for (int i = 0; i < stories.size(); i++)
      (i % EVERY == EVERY - 1 ? heldOut : training).add(stories.get(i));
    return new StoryCorpus(training, heldOut, rules);
  }
}
