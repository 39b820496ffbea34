// Twin of crates/model/src/batch/order.rs, `Batch::searches` and `Routing::base`: the initial search for each expert's order statistic. One
// workgroup handles one variant.

@group(1) @binding(0) var<storage, read_write> bias: array<vec2<u32>>;

// Twin of `shift` in crates/model/src/balance/bip.rs.
fn absolute(top: vec2<u32>) -> i32 {
    let shift = sub64(q32_to_q20(top), wide(SCORE_ONE - 1));
    if less64(shift, wide(-FAR)) {
        return -FAR;
    }
    return select(bitcast<i32>(shift.x), FAR, less64(wide(FAR), shift));
}

@compute @workgroup_size(LANES)
fn begin(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let v = variants[group.x];
    // Inner iterations after the first start from the biases that the previous one found.
    let at = select(step.bias_at, step.next_bias_at, order_round() > 0u) + v.first_expert;
    let top = largest_bias(v, at, lane);
    if is_meant(v) {
        let shift = bitcast<u32>(absolute(top));
        for (var e = lane; e < v.experts; e += LANES) {
            let search = search_at(v, e);
            atomicStore(&order[search], 0u);
            atomicStore(&order[search + 1u], v.rank);
            atomicStore(&order[search + 2u], shift);
        }
    }
}
