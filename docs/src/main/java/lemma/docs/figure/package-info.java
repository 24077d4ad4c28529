/// Figures that the handbook draws at build time, from the same classes that its pages explain.
///
/// [Figures] knows each by the name that a page's `figure` fence uses; [Figure] is what comes out;
/// [Charts] builds the usual kinds.
package lemma.docs.figure;
