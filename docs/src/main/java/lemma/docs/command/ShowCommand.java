package lemma.docs.command;

import java.io.IOException;
import java.util.concurrent.Callable;
import lemma.docs.ProjectHome;
import lemma.docs.answer.Answers;
import lemma.docs.answer.Ledger;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// An answer in the terminal.
@Command(
    description = {
      "Shows an answer in the terminal: the text, its code as it stands in the sources,",
      "the last verdict on every claim and the figures that the proofs measured."
    })
final class ShowCommand implements Callable<Integer> {

  @Parameters(paramLabel = "ID", description = "the technique, such as rms-norm (./lemma list)")
  private String id;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    ProjectHome home = ProjectHome.find();
    spec.commandLine()
        .getOut()
        .print(TerminalPage.of(home, Answers.read(home).get(id), Ledger.read(home)));
    return Lemma.OK;
  }
}
