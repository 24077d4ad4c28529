package lemma.docs.house;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;

/// The rules of the house that a compiler does not know.
@DisplayNameGeneration(ReplaceUnderscores.class)
class ArchitectureTest {
  private static final String[] LIBRARIES = {
    "lemma.core..", "lemma.sampling..", "lemma.diffusion.."
  };

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .withImportOption(location -> !location.contains("/lemma/proof/"))
          .importPackages("lemma");

  @Test
  void the_rules_see_every_module() {
    for (String type :
        new String[] {
          "lemma.core.norm.RmsNorm", "lemma.docs.command.Lemma", "lemma.docs.site.Site"
        }) assertThat(CLASSES.contain(type)).as(type).isTrue();
  }

  @Test
  void only_nd4j_forms_see_nd4j() {
    DescribedPredicate<JavaClass> nd4jForm =
        describe("named …Nd4j", type -> outermost(type).getSimpleName().endsWith("Nd4j"));
    noClasses()
        .that(DescribedPredicate.not(nd4jForm))
        .should()
        .dependOnClassesThat(resideInAPackage("org.nd4j.."))
        .check(CLASSES);
  }

  private static JavaClass outermost(JavaClass type) {
    return type.getEnclosingClass().map(ArchitectureTest::outermost).orElse(type);
  }

  @Test
  void libraries_do_not_print() {
    noClasses()
        .that(resideInAnyPackage(LIBRARIES))
        .should(ACCESS_STANDARD_STREAMS)
        .orShould()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.lang.IO")
        .check(CLASSES);
  }

  @Test
  void static_fields_do_not_change() {
    fields().that().areStatic().should().beFinal().check(CLASSES);
    fields()
        .that()
        .areStatic()
        .should()
        .notHaveRawType(
            resideInAnyPackage("java.util.concurrent.atomic", "java.util.concurrent.locks"))
        .andShould()
        .notHaveRawType(JavaClass.Predicates.assignableTo(ThreadLocal.class))
        .check(CLASSES);
  }

  @Test
  void packages_do_not_depend_on_each_other_in_a_circle() {
    slices().matching("lemma.(**)").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void packages_are_named_after_their_subject() {
    noClasses()
        .should()
        .resideInAnyPackage("..util..", "..utils..", "..common..", "..impl..", "..helper..")
        .check(CLASSES);
  }

  @Test
  void nothing_draws_text_with_fonts_of_the_system() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.awt.Font")
        .orShould()
        .dependOnClassesThat(resideInAPackage("java.awt.font"))
        .check(CLASSES);
  }
}
