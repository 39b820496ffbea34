// Twin of crates/model/src/batch/order.rs, `Batch::count_digits`: how many tokens have each next digit at an expert, among those that share
// the digits known so far. Margins are recomputed in every pass. One thread handles one token; workgroup_id.y counts variants.

// Twin of `next_after` in crates/model/src/order.rs: the value of the (K+1)-th largest key. `Top` holds at most 32 keys, so with K = 32 the
// experts are searched for the next smaller key.
fn next_after(v: Variant, token: Token, index: u32) -> i32 {
    var key = ranked(chosen(v, token, index), min(v.top_k, MOST_KEPT - 1u));
    if v.top_k == MOST_KEPT {
        let last = key;
        key = LOWEST;
        for (var e = 0u; e < v.experts; e += 1u) {
            let one = biased_key(v, score_at(token, e), e);
            key = select(key, max(key, one), one < last);
        }
    }
    return key >> INDEX_BITS;
}

// Twin of `Base::alpha` in crates/model/src/order.rs.
fn alpha_of(v: Variant, token: Token, index: u32) -> i32 {
    let value = next_after(v, token, index);
    if v.rule == RULE_BIP {
        return clamp(value + bitcast<i32>(atomicLoad(&order[search_at(v, 0u) + 2u])), 0, SCORE_ONE);
    }
    return value;
}

@compute @workgroup_size(LANES)
fn digits(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let v = variants[part.first_variant + group.y];
    prepare_scores(lane);
    workgroupBarrier();
    let index = part.first_token + group.x * LANES + lane;
    if index < step.batch && is_meant(v) {
        let shift = DIGIT_SHIFTS[digit_stage()];
        let bits = DIGIT_BITS[digit_stage()];
        let token = token_of(v, index);
        let alpha = alpha_of(v, token, index);
        for (var e = 0u; e < v.experts; e += 1u) {
            let at = search_at(v, e);
            let value = bitcast<u32>(score_at(token, e) - alpha + OFFSET);
            if value >> (shift + bits) == atomicLoad(&order[at]) {
                atomicAdd(&order[at + SEARCH + ((value >> shift) & ((1u << bits) - 1u))], 1u);
            }
        }
    }
}
