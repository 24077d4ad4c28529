/// The key/value cache: what decoding keeps of the tokens before, so as not to compute it again.
///
/// | type | what it is |
/// |---|---|
/// | [CachedAttention] | the formula: an attention layer with a past |
/// | [KvCache] | the same memory for the fast kernel, layer by layer |
/// | [ContiguousKvCache] | in one piece |
/// | [PagedKvCache], [PagePool] | in pages that several texts may share |
/// | [SinkWindow] | which tokens a streaming cache keeps, and at which positions |
/// | [RingKvCache] | those tokens in memory that does not grow |
/// | [Int8KvCache] | in bytes |
/// | [KvCacheSize] | bytes per token |
///
/// Read them in this order.
package lemma.core.cache;
