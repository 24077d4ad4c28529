/// Data whose score is known in closed form, so that samplers can be held against the truth.
package lemma.diffusion.score;
