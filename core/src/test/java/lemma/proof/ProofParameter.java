package lemma.proof;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/// Hands a [Proof] to the test methods that ask for one.
final class ProofParameter implements ParameterResolver {
  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == Proof.class;
  }

  @Override
  public Proof resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return new Proof(context::publishReportEntry);
  }
}
