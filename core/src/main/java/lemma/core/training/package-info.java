/// Training: from a loss to better parameters, step by step.
///
/// | type | |
/// |---|---|
/// | [CrossEntropy] | the loss of language models |
/// | [AdamW], [Sgd] | optimisers: parameters and gradients to new parameters |
/// | [LearningRateSchedule] | the learning rate of each step |
/// | [GradientClipping] | a bound for the gradients |
/// | [GradientAccumulation] | a large batch from small ones, on several threads |
/// | [ExponentialMovingAverage] | an average of the parameters |
/// | [GradientCheckpointing] | memory for time; [ActivationMemory] says how much |
/// | [WeightDropout] | hides weights at random, against learning by heart |
/// | [TrainingLoop] | all of it together; [TrainingState] between two steps |
/// | [TrainingCheckpoint] | the state on disk; a resumed run has the same bits |
///
/// Parameters are a map of names to tensors. Nothing is changed in place, and nothing is random but
/// by the generators that [StepRandom] derives from the seed and the step.
package lemma.core.training;
