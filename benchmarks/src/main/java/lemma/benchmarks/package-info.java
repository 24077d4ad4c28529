/// How long each hot loop takes, in every form: formula, scalar, vectorised, ND4J, and the alternatives
/// that one would think of.
///
/// One class for each technique, named after it: `./lemma bench top-p` runs [TopPBenchmark] and charts
/// it beside the answer. Every setup first checks that all forms give the same result.
package lemma.benchmarks;
