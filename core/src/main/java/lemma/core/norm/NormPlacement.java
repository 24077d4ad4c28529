package lemma.core.norm;

import java.util.function.UnaryOperator;
import lemma.core.tensor.Tensor;

/// Where a residual block normalises: the sum, or what goes into the sublayer.
///
/// | variant | y | models |
/// |---|---|---|
/// | [Post] | norm(x + f(x)) | the first transformer, GPT-1, BERT |
/// | [Pre] | x + f(norm(x)) | GPT-2, GPT-3, T5, Llama, Mistral, Qwen, ChatGLM2 |
/// | [Sandwich] | x + after(f(before(x))) | CogView, Gemma 2 |
/// | [Deep] | norm(α·x + f(x)) | GLM-130B; α from [DeepNorm] |
///
/// f is a sublayer, attention or feed-forward; norm any function of rows, such as
/// [`LayerNorm::apply`][LayerNorm#apply]. With [Pre] and [Sandwich] x itself is never normalised, so
/// one more norm stands behind the last block.
///
/// Xiong et al. 2020, figure 1, arXiv:2002.04745. Answer: `norm/norm-placement.md`.
public sealed interface NormPlacement {

  /// The block around a sublayer; both keep the shape of `x`.
  Tensor apply(Tensor x, UnaryOperator<Tensor> sublayer);

  /// `y = norm(x + f(x))`: every output is normalised, and so is the path of the gradient.
  record Post(UnaryOperator<Tensor> norm) implements NormPlacement {
    @Override
    public Tensor apply(Tensor x, UnaryOperator<Tensor> sublayer) {
      return norm.apply(x.add(sublayer.apply(x)));
    }
  }

  /// `y = x + f(norm(x))`: from the last block to the first the gradient has a path on which nothing
  /// stands.
  record Pre(UnaryOperator<Tensor> norm) implements NormPlacement {
    @Override
    public Tensor apply(Tensor x, UnaryOperator<Tensor> sublayer) {
      return x.add(sublayer.apply(norm.apply(x)));
    }
  }

  /// `y = x + after(f(before(x)))`: what a sublayer adds has a size of its own. Ding et al. 2021,
  /// section 2.4, arXiv:2105.13290.
  record Sandwich(UnaryOperator<Tensor> before, UnaryOperator<Tensor> after)
      implements NormPlacement {
    @Override
    public Tensor apply(Tensor x, UnaryOperator<Tensor> sublayer) {
      return x.add(after.apply(sublayer.apply(before.apply(x))));
    }
  }

  /// `y = norm(α·x + f(x))`: post-norm in which the path outweighs the sublayer. Wang et al. 2022,
  /// section 3.1, arXiv:2203.00555.
  record Deep(UnaryOperator<Tensor> norm, double alpha) implements NormPlacement {

    /// @throws IllegalArgumentException if `alpha` is not positive and finite
    public Deep {
      if (!(alpha > 0) || Double.isInfinite(alpha))
        throw new IllegalArgumentException("alpha must be positive and finite, was " + alpha);
    }

    @Override
    public Tensor apply(Tensor x, UnaryOperator<Tensor> sublayer) {
      return norm.apply(x.mul(alpha).add(sublayer.apply(x)));
    }
  }
}
