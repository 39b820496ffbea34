// Twin of crates/model/src/groups.rs, `top_k`: a token keeps the groups with the largest sums of their two best keys' values; the keys of
// the experts in those groups are merged in blocks of eight. Scores are computed twice, because a token's keys at 1,024 experts would not
// fit into a thread's registers.

fn key_of(v: Variant, token: Token, expert: u32, biased: bool) -> i32 {
    let score = score_at(token, expert);
    if biased {
        return biased_key(v, score, expert);
    }
    return unbiased_key(score, expert);
}

fn chosen_by(v: Variant, token: Token, biased: bool) -> Top {
    let size = v.experts / v.groups;
    var scores: array<i32, MOST_GROUPS>;
    for (var g = 0u; g < v.groups; g += 1u) {
        var first = LOWEST;
        var second = LOWEST;
        for (var e = g * size; e < (g + 1u) * size; e += 1u) {
            let key = key_of(v, token, e, biased);
            second = max(second, min(key, first));
            first = max(first, key);
        }
        scores[g] = (first >> INDEX_BITS) + select(0, second >> INDEX_BITS, size > 1u);
    }
    var top = nothing();
    for (var g = 0u; g < v.groups; g += 1u) {
        var better = 0u;
        for (var h = 0u; h < v.groups; h += 1u) {
            better += select(0u, 1u, scores[h] > scores[g] || (scores[h] == scores[g] && h < g));
        }
        let end = select(0u, (g + 1u) * size, better < v.kept);
        for (var e = g * size; e < end; e += 8u) {
            // A loop, because a driver takes long to compile the keys, gate included, written out eight times.
            var keys = array<i32, 8>(LOWEST, LOWEST, LOWEST, LOWEST, LOWEST, LOWEST, LOWEST, LOWEST);
            for (var i = 0u; i < min(8u, end - e); i += 1u) {
                keys[i] = key_of(v, token, e + i, biased);
            }
            let a = vec4<i32>(keys[0], keys[1], keys[2], keys[3]);
            let b = vec4<i32>(keys[4], keys[5], keys[6], keys[7]);
            top = merged(top, sorted(a, b));
        }
    }
    return top;
}

fn chosen(v: Variant, token: Token, index: u32) -> Top {
    return chosen_by(v, token, true);
}
