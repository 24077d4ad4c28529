/// Answers and what belongs to them, as the files have it.
///
/// | type | from |
/// |---|---|
/// | [Answers], [Answer], [Chapter] | `docs/answers/<chapter>/<id>.md` |
/// | [Ledger], [Proof], [Verdict] | every module's `target/proofs.json` |
/// | [Sources], [Excerpt] | the Java sources, cut by name |
/// | [BenchmarkResult] | `docs/results/bench/<id>.json` |
package lemma.docs.answer;
