package lemma.core.story;

import java.util.List;
import java.util.random.RandomGenerator;

/// Where the next story to learn from comes from.
public sealed interface StorySource permits StoryGrammar, StorySource.Written, StorySource.Mixed {

  /// A story, by the numbers of the generator alone.
  String draw(RandomGenerator random);

  /// Stories as they were written, with the parts given to other children.
  record Written(List<String> stories, StoryCast cast) implements StorySource {

    /// @throws IllegalArgumentException if there is no story
    public Written {
      stories = List.copyOf(stories);
      if (stories.isEmpty()) throw new IllegalArgumentException("there must be a story");
    }

    @Override
    public String draw(RandomGenerator random) {
      return cast.recast(stories.get(random.nextInt(stories.size())), random);
    }
  }

  /// A share of the stories from the second source, the others from the first.
  record Mixed(StorySource first, StorySource second, double share) implements StorySource {

    /// @throws IllegalArgumentException if `share` is outside [0, 1]
    public Mixed {
      if (!(share >= 0 && share <= 1))
        throw new IllegalArgumentException("share must be in [0, 1], was " + share);
    }

    @Override
    public String draw(RandomGenerator random) {
      return (random.nextDouble() < share ? second : first).draw(random);
    }
  }
}
