// Twin of crates/model/src/batch/mod.rs, `Batch::count_moved` under rule `Threshold`: how many assignments evenly spaced tokens have, and
// how many of them the bias moved. One thread handles one token of the sample; workgroup_id.y counts variants.

@group(1) @binding(5) var<storage, read_write> counts: array<atomic<u32>>;

@compute @workgroup_size(LANES)
fn moved_threshold(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let v = variants[part.first_variant + group.y];
    prepare_scores(lane);
    workgroupBarrier();
    let i = group.x * LANES + lane;
    if i < step.sample {
        // The product is at most 2⁹·2²⁰.
        let token = token_of(v, i * step.batch / step.sample);
        let unbiased = chosen_unbiased(v, token);
        let threshold = ranked(unbiased, v.top_k - 1u);
        var met = 0u;
        var away = 0u;
        for (var e = 0u; e < v.experts; e += 1u) {
            let above = is_above(v, score_at(token, e), e);
            met += select(0u, 1u, above);
            away += select(0u, 1u, above && !stays(v, token, e, unbiased, threshold));
        }
        if away > 0u {
            atomicAdd(&counts[step.moved_at + v.index], away);
        }
        // No key saturates under this rule, so that count's place holds the number of sampled assignments, which is not K per token here.
        if met > 0u {
            atomicAdd(&counts[step.saturated_at + v.index], met);
        }
    }
}
