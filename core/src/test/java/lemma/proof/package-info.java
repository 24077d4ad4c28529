/// Tests as proofs: which claim of an answer a test proves, and the figure it measured.
///
/// | type | what it is |
/// |---|---|
/// | [Proves] | on a test class: the technique's id |
/// | [Claim] | on a test method: the claim's id, whose sentence stands on the answer page |
/// | [Proof] | a test method's parameter: measures, bounds and records |
/// | [GoldenCases], [GoldenCase] | numbers of a reference implementation |
/// | [Refusal] | bad input and what its error must name |
/// | [ProofLedger] | writes `target/proofs.json` |
package lemma.proof;
