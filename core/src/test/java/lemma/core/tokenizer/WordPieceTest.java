package lemma.core.tokenizer;

import java.io.IOException;
import lemma.proof.Claim;
import lemma.proof.GoldenCase;
import lemma.proof.GoldenCases;
import lemma.proof.Proves;

@Proves("wordpiece")
class WordPieceTest {
  @Claim("parity")
  @GoldenCases("tokenizers/hf-wordpiece")
  void ids_of_a_bert_style_file_are_those_of_hugging_face(GoldenCase golden) throws IOException {
    HuggingFaceCase.check(golden, TokenizerJson.read(Vocabularies.model("wordpiece")));
  }
  @Claim("parity")
  @GoldenCases("tokenizers/hf-llama2-style-bpe")
  void llama(GoldenCase golden) throws IOException {
    HuggingFaceCase.check(golden, TokenizerJson.read(Vocabularies.model("llama2-style-bpe")));
  }
  @Claim("parity")
  @GoldenCases("tokenizers/hf-t5-style-unigram")
  void t5(GoldenCase golden) throws IOException {
    HuggingFaceCase.check(golden, TokenizerJson.read(Vocabularies.model("t5-style-unigram")));
  }
}
