// Twin of crates/model/src/batch/mod.rs, `Batch::count_moved`: how many assignments of evenly spaced tokens the bias moved. One thread
// handles one token of the sample; workgroup_id.y counts variants.

@group(1) @binding(5) var<storage, read_write> counts: array<atomic<u32>>;

@compute @workgroup_size(LANES)
fn moved(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let v = variants[part.first_variant + group.y];
    prepare_scores(lane);
    workgroupBarrier();
    let i = group.x * LANES + lane;
    if i < step.sample {
        // The product is at most 2⁹·2²⁰.
        let index = i * step.batch / step.sample;
        let token = token_of(v, index);
        let best = chosen(v, token, index);
        let unbiased = chosen_unbiased(v, token);
        let threshold = ranked(unbiased, v.top_k - 1u);
        var away = 0u;
        for (var rank = 0u; rank < v.top_k; rank += 1u) {
            let expert = expert_of(ranked(best, rank));
            away += select(1u, 0u, stays(v, token, expert, unbiased, threshold));
        }
        if away > 0u {
            atomicAdd(&counts[step.moved_at + v.index], away);
        }
    }
}
