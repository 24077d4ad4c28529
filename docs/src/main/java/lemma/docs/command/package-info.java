/// The command line: one class a command.
///
/// [Lemma] lists the commands and turns failures into one line and an exit code. [Table],
/// [Progress] and [Terminal] are how commands speak.
package lemma.docs.command;
