package lemma.core.tokenizer;

import java.util.ArrayList;
import java.util.List;
import lemma.core.tokenizer.TextPattern.Cut;

/// What becomes of the matches at which a text is split: `the-final--countdown` at `-`.
public enum SplitBehaviour {
  /// `the` `final` `countdown`
  REMOVED,
  /// `the` `-` `final` `-` `-` `countdown`
  ISOLATED,
  /// `the-` `final-` `-` `countdown`
  MERGED_WITH_PREVIOUS,
  /// `the` `-final` `-` `-countdown`
  MERGED_WITH_NEXT,
  /// `the` `-` `final` `--` `countdown`
  CONTIGUOUS;

  /// The parts of a text, none of them empty.
  ///
  /// @param cuts its matches and what lies between, in order
  public List<AlignedText> split(AlignedText text, List<Cut> cuts) {
    List<AlignedText> parts = new ArrayList<>();
    for (int i = 0; i < cuts.size(); ) {
      int last = i; // the last cut that belongs to the same part
      switch (this) {
        case REMOVED, ISOLATED -> {}
        case CONTIGUOUS -> {
          while (last + 1 < cuts.size() && cuts.get(last + 1).match() == cuts.get(i).match())
            last++;
        }
        case MERGED_WITH_PREVIOUS -> {
          if (!cuts.get(i).match() && i + 1 < cuts.size() && cuts.get(i + 1).match()) last++;
        }
        case MERGED_WITH_NEXT -> {
          if (cuts.get(i).match() && i + 1 < cuts.size() && !cuts.get(i + 1).match()) last++;
        }
      }
      Cut first = cuts.get(i);
      if (!(this == REMOVED && first.match()) && cuts.get(last).to() > first.from())
        parts.add(text.slice(first.from(), cuts.get(last).to()));
      i = last + 1;
    }
    return parts;
  }
}
