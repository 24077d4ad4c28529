/// Drawing: from the scores that the filters left to one token.
///
/// [lemma.sampling.draw.Draw] has the three ways, as functions of given uniform numbers.
package lemma.sampling.draw;
