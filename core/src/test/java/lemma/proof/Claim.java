package lemma.proof;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Names the claim that a test method proves: an id in the front matter of the technique's page.
///
/// Several methods may prove parts of one claim; it holds when all of them pass. The method's name
/// is the sentence.
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface Claim {
  String value();
}
