// Twin of crates/model/src/select.rs, `Selector::new`: from the biases of a step to the part of the key that depends only on the expert.
// One workgroup handles one variant.

@group(1) @binding(0) var<storage, read_write> bias: array<vec2<u32>>;
@group(1) @binding(1) var<storage, read_write> keys: array<vec2<u32>>;
@group(1) @binding(2) var<storage, read_write> counts: array<atomic<u32>>;

@compute @workgroup_size(LANES)
fn prepare(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let v = variants[group.x];
    // The biases from BIP's inner iterations are stored in the place of the next step's.
    let round = order_round();
    let rounds = select(0u, v.rounds, v.rule == RULE_BIP && v.rank != 0u);
    let at = select(step.bias_at, step.next_bias_at, round > 0u) + v.first_expert;
    let top = largest_bias(v, at, lane);
    if round > rounds {
        return;
    }
    for (var e = lane; e < v.experts; e += LANES) {
        // The bias in units of the gate, like the scores.
        let b = sar64(bias[at + e], v.bias_shift);
        if v.rule == RULE_MULTIPLICATIVE || v.rule == RULE_THRESHOLD {
            keys[v.first_expert + e] = b;
            continue;
        }
        let relative = add64(q32_to_q20(sub64(b, top)), wide(SCORE_ONE - 1));
        var value = bitcast<i32>(relative.x);
        if less64(relative, wide(VALUE_MIN)) {
            value = VALUE_MIN;
            if round == rounds {
                atomicAdd(&counts[step.saturated_at + v.index], 1u);
            }
        }
        keys[v.first_expert + e] = vec2<u32>(bitcast<u32>((value << INDEX_BITS) + (INDEX_MAX - i32(e))), 0u);
    }
}
