// Twin of crates/model/src/batch/mod.rs, `Batch::route`, for variants that differ only in their biases, as in a sweep. Tokens, logits and
// scores are computed once for four variants. One thread handles one token; workgroup_id.x counts blocks of tokens, workgroup_id.y groups
// of four variants.

@group(1) @binding(5) var<storage, read_write> counts: array<atomic<u32>>;

var<workgroup> histograms: array<atomic<u32>, TOGETHER * MOST_SHARED_EXPERTS>;
var<private> tally_at: u32;

// Counts, in the histogram at `tally_at`, those of four keys (ranks `first`…`first` + 3) that are among the best `k`.
fn tally4(keys: vec4<i32>, first: u32, k: u32) {
    for (var i = 0u; i < 4u; i += 1u) {
        if first + i < k {
            atomicAdd(&histograms[tally_at + expert_of(keys[i])], 1u);
        }
    }
}

fn key_of(v: Variant, score: i32, expert: u32) -> i32 {
    return select(biased_key(v, score, expert), LOWEST, expert >= v.experts);
}

// Merges the keys of the eight experts from `e` on, with scores `s` and `t`, into `top`.
fn met(v: Variant, top: Top, e: u32, s: vec4<i32>, t: vec4<i32>) -> Top {
    let a = vec4<i32>(key_of(v, s.x, e), key_of(v, s.y, e + 1u), key_of(v, s.z, e + 2u), key_of(v, s.w, e + 3u));
    let b = vec4<i32>(key_of(v, t.x, e + 4u), key_of(v, t.y, e + 5u), key_of(v, t.z, e + 6u), key_of(v, t.w, e + 7u));
    return merged(top, sorted(a, b));
}

// Beyond the last variant of the part the last one is repeated; the repetition is not counted.
fn variant_at(place: u32) -> Variant {
    return variants[part.first_variant + min(place, part.variants - 1u)];
}

fn count(v: Variant, top: Top, place: u32) {
    if place < part.variants {
        tally_at = (place % TOGETHER) * MOST_SHARED_EXPERTS;
        tally(top, v.top_k);
    }
}

@compute @workgroup_size(LANES)
fn route_shared(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let first = group.y * TOGETHER;
    let v0 = variant_at(first);
    let v1 = variant_at(first + 1u);
    let v2 = variant_at(first + 2u);
    let v3 = variant_at(first + 3u);
    for (var i = lane; i < TOGETHER * MOST_SHARED_EXPERTS; i += LANES) {
        atomicStore(&histograms[i], 0u);
    }
    prepare_scores(lane);
    workgroupBarrier();
    let index = part.first_token + group.x * LANES + lane;
    if index < step.batch {
        let token = token_of(v0, index);
        var t0 = nothing();
        var t1 = nothing();
        var t2 = nothing();
        var t3 = nothing();
        for (var e = 0u; e < v0.experts; e += 8u) {
            let s = vec4<i32>(
                score_at(token, e),
                score_at(token, e + 1u),
                score_at(token, e + 2u),
                score_at(token, e + 3u),
            );
            let t = vec4<i32>(
                score_at(token, e + 4u),
                score_at(token, e + 5u),
                score_at(token, e + 6u),
                score_at(token, e + 7u),
            );
            t0 = met(v0, t0, e, s, t);
            t1 = met(v1, t1, e, s, t);
            t2 = met(v2, t2, e, s, t);
            t3 = met(v3, t3, e, s, t);
        }
        count(v0, t0, first);
        count(v1, t1, first + 1u);
        count(v2, t2, first + 2u);
        count(v3, t3, first + 3u);
    }
    workgroupBarrier();
    for (var place = first; place < min(first + TOGETHER, part.variants); place += 1u) {
        let v = variant_at(place);
        for (var e = lane; e < v.experts; e += LANES) {
            let load = atomicLoad(&histograms[(place % TOGETHER) * MOST_SHARED_EXPERTS + e]);
            if load > 0u {
                atomicAdd(&counts[step.loads_at + v.first_expert + e], load);
            }
        }
    }
}
