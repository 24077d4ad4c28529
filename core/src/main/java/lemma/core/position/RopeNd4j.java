package lemma.core.position;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/// [Rope] on ND4J: the same formula on views of the first and the second channel of every pair.
public record RopeNd4j(Rope rope) {

  /// Rotates row t of `x [rows, headDim]` by the angles of `positions[t]`; the caller closes the
  /// result.
  public INDArray apply(INDArray x, int... positions) {
    double[] frequencies = rope.frequencies();
    double factor = rope.scaling().attentionFactor();
    int pairs = frequencies.length;
    float[][] cosines = new float[positions.length][pairs];
    float[][] sines = new float[positions.length][pairs];
    for (int t = 0; t < positions.length; t++)
      for (int i = 0; i < pairs; i++) {
        cosines[t][i] = (float) (factor * Math.cos(positions[t] * frequencies[i]));
        sines[t][i] = (float) (factor * Math.sin(positions[t] * frequencies[i]));
      }
    try (INDArray cos = Nd4j.create(cosines);
        INDArray sin = Nd4j.create(sines)) {
      return apply(x, cos, sin);
    }
  }

  /// The same with tables `[rows, rotaryDim/2]` of the angles, made once.
  public INDArray apply(INDArray x, INDArray cos, INDArray sin) {
    INDArray y = x.dup('c');
    INDArray a = channels(y, 0);
    INDArray b = channels(y, 1);
    try (INDArray aCos = a.mul(cos);
        INDArray bSin = b.mul(sin);
        INDArray bCos = b.mul(cos);
        INDArray aSin = a.mul(sin)) {
      a.assign(aCos.subi(bSin));
      b.assign(bCos.addi(aSin));
    }
    return y;
  }

  /// A view `[rows, rotaryDim/2]` of the first or the second channel of every pair.
  private INDArray channels(INDArray x, int which) {
    int pairs = rope.rotaryDim() / 2;
    return switch (rope.layout()) {
      case HALVES ->
          x.get(NDArrayIndex.all(), NDArrayIndex.interval(which * pairs, (which + 1) * pairs));
      case INTERLEAVED ->
          x.reshape('c', x.size(0), rope.headDim() / 2, 2)
              .get(NDArrayIndex.all(), NDArrayIndex.interval(0, pairs), NDArrayIndex.point(which));
    };
  }
}
