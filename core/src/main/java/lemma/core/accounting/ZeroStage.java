package lemma.core.accounting;

/// What ZeRO divides among the devices that train on different batches; each stage divides what the
/// one before does, too.
///
/// Rajbhandari et al. 2020, section 5, arXiv:1910.02054.
public enum ZeroStage {
  /// Every device holds everything: plain data parallelism.
  NONE,
  /// Stage 1: the optimiser's state.
  OPTIMISER,
  /// Stage 2: gradients, too.
  GRADIENTS,
  /// Stage 3: weights, too; also known as fully sharded data parallelism.
  WEIGHTS
}
