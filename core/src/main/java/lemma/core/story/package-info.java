/// The shipped language model: its data, its recipe, its training.
///
/// | type | |
/// |---|---|
/// | [StoryCorpus] | the stories, split into those to train on and those held out |
/// | [StoryGrammar] | stories told by rule |
/// | [StorySource] | where the next story comes from: written, told, or both |
/// | [StoryCast] | other names for the children, so that stories are not learned by heart |
/// | [StoryBatches] | rows of tokens |
/// | [StoryObjective] | next-token prediction on them |
/// | [StoryRecipe] | all settings; [StoryTraining] does what it says |
/// | [StoryModel] | model and tokenizer in a folder |
package lemma.core.story;
