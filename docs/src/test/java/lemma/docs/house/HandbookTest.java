package lemma.docs.house;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import lemma.docs.ProjectHome;
import lemma.docs.answer.Answer;
import lemma.docs.answer.Answers;
import lemma.docs.answer.Ledger;
import lemma.docs.answer.Proof;
import lemma.docs.answer.Verdict;
import lemma.docs.markdown.Directive;
import lemma.docs.markdown.DisplayMath;
import lemma.docs.markdown.InlineMath;
import lemma.docs.markdown.Markdown;
import lemma.docs.site.Site;
import org.commonmark.node.AbstractVisitor;
import org.commonmark.node.CustomBlock;
import org.commonmark.node.CustomNode;
import org.commonmark.node.Link;
import org.commonmark.node.Node;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayNameGeneration;
import org.junit.jupiter.api.DisplayNameGenerator.ReplaceUnderscores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Every page keeps the house's promise: its claims are proven, its code is there, nothing is left
/// out.
@DisplayNameGeneration(ReplaceUnderscores.class)
class HandbookTest {
  /// With golden cases from outside, a claim whose family has no file there is not run.
  private static final boolean OTHER_GOLDEN_CASES = System.getProperty("golden.dir") != null;

  private static final ProjectHome HOME = ProjectHome.find();

  private static Answers answers;
  private static Ledger ledger;

  @BeforeAll
  static void read() throws IOException {
    answers = Answers.read(HOME);
    ledger = Ledger.read(HOME);
    for (String module : ledger.missing())
      assertThat(proves(module))
          .as(
              "%s/target/proofs.json is missing: the pages are held against the proofs of all"
                  + " modules, run ./mvnw verify",
              module)
          .isFalse();
  }

  private static boolean proves(String module) throws IOException {
    Path tests = HOME.path(module, "src", "test", "java");
    if (!Files.isDirectory(tests)) return false;
    try (var walk = Files.walk(tests)) {
      for (Path file : walk.filter(path -> path.toString().endsWith("Test.java")).toList())
        if (Files.readString(file).contains("@Proves(")) return true;
    }
    return false;
  }

  @Test
  void every_claim_of_a_page_is_proven() {
    List<String> open = new ArrayList<>();
    for (Answer answer : answers.all())
      for (String claim : answer.claims().keySet()) {
        Verdict verdict = ledger.verdict(answer.id(), claim);
        boolean skipped =
            OTHER_GOLDEN_CASES
                && verdict == Verdict.NOT_RUN
                && !ledger.of(answer.id(), claim).isEmpty();
        if (verdict != Verdict.PROVEN && !skipped)
          open.add(answer.id() + " " + claim + ": " + verdict);
      }
    assertThat(open).as("claims of pages that are not proven").isEmpty();
  }

  @Test
  void every_proof_stands_on_a_page() {
    var strays = new TreeSet<String>();
    for (Proof proof : ledger.proofs()) {
      boolean listed =
          answers
              .find(proof.technique())
              .filter(answer -> answer.claims().containsKey(proof.claim()))
              .isPresent();
      if (!listed) strays.add(proof.technique() + " " + proof.claim() + " (" + proof.path() + ")");
    }
    assertThat(strays).as("proofs whose claim is on no page").isEmpty();
  }

  @Test
  void every_page_has_its_sections() {
    List<String> lacking = new ArrayList<>();
    for (Answer answer : answers.all()) {
      Node page = Markdown.parse(answer.body());
      List<String> sections = Markdown.sections(page).stream().map(Markdown::text).toList();
      List<Directive> directives = Markdown.directives(page);
      List<String> required = new ArrayList<>(List.of("The question", "Short answer", "简答"));
      if (!answer.claims().isEmpty()) {
        required.addAll(List.of("What an interviewer asks next", "References"));
        if (directives.stream().noneMatch(Directive.Source.class::isInstance))
          lacking.add(answer.id() + ": code (a source fence)");
        if (!directives.contains(new Directive.Proofs(answer.id())))
          lacking.add(answer.id() + ": its proofs (a proofs fence)");
      }
      for (String section : required)
        if (!sections.contains(section)) lacking.add(answer.id() + ": section " + section);
    }
    assertThat(lacking).as("what pages lack").isEmpty();
  }

  @Test
  void every_title_is_written_in_both_languages() {
    for (Answer answer : answers.all()) {
      assertThat(answer.titleZh().codePoints().anyMatch(Character::isIdeographic))
          .as("title-zh of " + answer.id() + " is Chinese")
          .isTrue();
      assertThat(answer.title().codePoints().noneMatch(Character::isIdeographic))
          .as("title of " + answer.id() + " is English")
          .isTrue();
      for (String note : answer.notes())
        assertThat(note).as("notes of " + answer.id()).matches("N[1-5][ .].+");
    }
  }

  @Test
  void every_link_between_pages_leads_to_a_page() {
    List<String> dead = new ArrayList<>();
    for (Answer answer : answers.all())
      Markdown.parse(answer.body())
          .accept(
              new AbstractVisitor() {
                @Override
                public void visit(Link link) {
                  String target = link.getDestination().replaceFirst("#.*", "");
                  boolean web = target.matches("(https?|mailto):.*");
                  if (!web
                      && !target.isEmpty()
                      && !Files.exists(answer.file().resolveSibling(target)))
                    dead.add(answer.id() + ": " + target);
                  visitChildren(link);
                }
              });
    assertThat(dead).as("links to pages that do not exist").isEmpty();
  }

  @Test
  void every_formula_closes_its_braces() {
    List<String> open = new ArrayList<>();
    for (Answer answer : answers.all())
      Markdown.parse(answer.body())
          .accept(
              new AbstractVisitor() {
                @Override
                public void visit(CustomNode node) {
                  if (node instanceof InlineMath math) check(math.latex());
                  visitChildren(node);
                }

                @Override
                public void visit(CustomBlock block) {
                  if (block instanceof DisplayMath math) check(math.latex());
                  visitChildren(block);
                }

                private void check(String latex) {
                  String braces = latex.replaceAll("\\\\[{}]", "").replaceAll("[^{}]", "");
                  int depth = 0;
                  for (char brace : braces.toCharArray()) depth += brace == '{' ? 1 : -1;
                  if (depth != 0) open.add(answer.id() + ": " + latex);
                }
              });
    assertThat(open).as("formulas with unbalanced braces").isEmpty();
  }

  @Test
  void every_page_is_built_with_its_code_and_figures(@TempDir Path folder) throws IOException {
    List<Path> written = new ArrayList<>();
    new Site(HOME, answers, ledger).write(folder, written::add);
    assertThat(written)
        .hasSize(answers.all().size() + 2)
        .allSatisfy(page -> {
          assertThat(page).isRegularFile();
          assertThat(Files.readString(page)).doesNotContain("{{");
        });
  }
}
