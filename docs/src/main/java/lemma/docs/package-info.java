/// The handbook: its answers ([lemma.docs.answer]), figures ([lemma.docs.figure]), web pages
/// ([lemma.docs.site]) and the command line ([lemma.docs.command]).
package lemma.docs;
