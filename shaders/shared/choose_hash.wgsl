// Twin of crates/model/src/hash.rs: a word always goes to the same K experts.

fn word_of(index: u32) -> u32 {
    let topic = topic_of_draw(pcg4d(index / step.burst, step.key_step, STREAM_TOPIC, step.seed).x);
    return topic * WORDS_PER_TOPIC + (pcg4d(index, step.key_step, STREAM_TOPIC, step.seed).y >> 26u);
}

// The upper word of draw·n, for n up to 1,024.
fn share_of(draw: u32, n: u32) -> u32 {
    return ((draw >> 16u) * n + (((draw & 0xffffu) * n) >> 16u)) >> 16u;
}

fn chosen(v: Variant, token: Token, index: u32) -> Top {
    let word = word_of(index);
    var experts: array<u32, MOST_KEPT>;
    var top = nothing();
    for (var at = 0u; at < v.top_k; at += 8u) {
        var keys = array<i32, 8>(LOWEST, LOWEST, LOWEST, LOWEST, LOWEST, LOWEST, LOWEST, LOWEST);
        for (var rank = at; rank < min(at + 8u, v.top_k); rank += 1u) {
            var expert = share_of(pcg4d(word, rank, STREAM_HASH, step.seed).x, v.experts);
            // If the expert is already taken, the next free one is used; at most `rank` experts are taken.
            for (var tries = 0u; tries < rank; tries += 1u) {
                var taken = false;
                for (var j = 0u; j < rank; j += 1u) {
                    taken = taken || experts[j] == expert;
                }
                expert = select(expert, (expert + 1u) % v.experts, taken);
            }
            experts[rank] = expert;
            keys[rank - at] = (i32(v.top_k - rank) << INDEX_BITS) + (INDEX_MAX - i32(expert));
        }
        let a = vec4<i32>(keys[0], keys[1], keys[2], keys[3]);
        let b = vec4<i32>(keys[4], keys[5], keys[6], keys[7]);
        top = merged(top, sorted(a, b));
    }
    return top;
}
