/// Aspect-ratio bucketing: training on images of many shapes, a batch of one shape at a time.
///
/// | type | what it is |
/// |---|---|
/// | [Resolution] | a width and a height in pixels |
/// | [BucketDesign] | which resolutions there are: the notes', NovelAI's, kohya's, SDXL's |
/// | [AspectRatioBuckets] | the bucket nearest to an image |
/// | [CropPlan] | how the image is resized and cropped to its bucket |
/// | [BucketEpoch] | full batches, drawn by weight, until every image was seen once |
/// | [SizeConditioning] | what SDXL is told of size and crop |
/// | [KohyaSelection] | kohya's choice, with and without enlarging images |
///
/// Read them in this order.
package lemma.diffusion.bucketing;
