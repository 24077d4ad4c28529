package lemma.docs.command;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// Trains a shipped model again from the shipped data: one subcommand for each.
@Command(
    description = "Trains a shipped model again, from the data that is shipped or drawn.",
    synopsisSubcommandLabel = "MODEL",
    subcommands = {TrainLmCommand.class, TrainDiffusionCommand.class, TrainClassifierCommand.class})
final class TrainCommand implements Runnable {

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    CommandLine line = spec.commandLine();
    throw new ParameterException(
        line, "which model? there are: " + String.join(", ", line.getSubcommands().keySet()));
  }
}
