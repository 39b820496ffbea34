// Twin of crates/model/src/tokens.rs: synthetic tokens in 32 int8 dimensions, which depend on (token, step, stream, seed) alone.

// Per step: the thresholds of all topics, then their centres of eight words each.
@group(1) @binding(1) var<storage, read> topics: array<u32>;
// The experts' centroids, two elements each.
@group(1) @binding(2) var<storage, read> centroids: array<vec4<u32>>;

struct Embedding {
    low: vec4<u32>,
    high: vec4<u32>,
}

// Counts the thresholds below the draw, by binary search. There are at most 256 topics, and the last threshold is the largest draw.
fn topic_of_draw(draw: u32) -> u32 {
    var topic = 0u;
    for (var bit = 128u; bit > 0u; bit >>= 1u) {
        let next = topic + bit;
        if next <= step.topics && topics[step.topics_at + next - 1u] < draw {
            topic = next;
        }
    }
    return topic;
}

fn noisy(centre: u32, noise: u32) -> u32 {
    let moved = unpack4xI8(centre) + ((step.noise_q8 * unpack4xI8(noise)) >> vec4<u32>(8u));
    return pack4xI8(clamp(moved, vec4<i32>(-127), vec4<i32>(127)));
}

fn embedding(token: u32) -> Embedding {
    let topic = topic_of_draw(pcg4d(token / step.burst, step.key_step, STREAM_TOPIC, step.seed).x);
    let low = pcg4d(token, step.key_step, STREAM_NOISE_LOW, step.seed);
    let high = pcg4d(token, step.key_step, STREAM_NOISE_HIGH, step.seed);
    let at = step.topics_at + step.topics + topic * 8u;
    return Embedding(
        vec4<u32>(
            noisy(topics[at], low.x),
            noisy(topics[at + 1u], low.y),
            noisy(topics[at + 2u], low.z),
            noisy(topics[at + 3u], low.w),
        ),
        vec4<u32>(
            noisy(topics[at + 4u], high.x),
            noisy(topics[at + 5u], high.y),
            noisy(topics[at + 6u], high.z),
            noisy(topics[at + 7u], high.w),
        ),
    );
}

// The logit of a token at an expert, Q14: an exact dot product.
fn logit(x: Embedding, expert: u32) -> i32 {
    let low = centroids[2u * expert];
    let high = centroids[2u * expert + 1u];
    return dot4I8Packed(x.low.x, low.x) + dot4I8Packed(x.low.y, low.y)
        + dot4I8Packed(x.low.z, low.z) + dot4I8Packed(x.low.w, low.w)
        + dot4I8Packed(x.high.x, high.x) + dot4I8Packed(x.high.y, high.y)
        + dot4I8Packed(x.high.z, high.z) + dot4I8Packed(x.high.w, high.w);
}
