// Twin of crates/model/src/balance/quantile.rs, `update`, and of crates/model/src/balance/bip.rs, `bias` and `anchor`: biases from order
// statistics. One workgroup handles one variant.

@group(1) @binding(0) var<storage, read_write> bias: array<vec2<u32>>;
// Step sizes of each variant at each step, Q32. The first is 0 once a variant's biases are frozen.
@group(1) @binding(3) var<storage, read> rates: array<vec4<u32>>;

var<workgroup> sums: array<vec2<u32>, LANES>;
// BIP's smallest β, Q20.
var<workgroup> least: atomic<u32>;

fn margin_of(v: Variant, e: u32) -> i32 {
    return bitcast<i32>(atomicLoad(&order[search_at(v, e)])) - OFFSET;
}

// −margin, converted from Q20 in units of the gate to Q32 in score units.
fn made_of(v: Variant, margin: i32) -> vec2<u32> {
    let b = wide(-margin);
    let shift = 12u + v.bias_shift;
    return vec2<u32>(b.x << shift, (b.y << shift) | (b.x >> (32u - shift)));
}

// b̂ + ⌊a·(b − b̂)⌋, computed in two parts as in quantile.rs.
fn averaged(before: vec2<u32>, made: vec2<u32>, weight: u32) -> vec2<u32> {
    let apart = sub64(before, made);
    // At most 2⁵³ in size, so its high part has at most 30 bits.
    let high = wide(bitcast<i32>((apart.y << (32u - WEIGHT_BITS)) | (apart.x >> WEIGHT_BITS)));
    let low = product64(apart.x & ((1u << WEIGHT_BITS) - 1u), weight);
    let part_low = vec2<u32>((low.x >> WEIGHT_BITS) | (low.y << (32u - WEIGHT_BITS)), low.y >> WEIGHT_BITS);
    return add64(made, add64(times64(high, weight), part_low));
}

@compute @workgroup_size(LANES)
fn settle(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let v = variants[group.x];
    let before = step.bias_at + v.first_expert;
    let after = step.next_bias_at + v.first_expert;
    let meant = is_meant(v);
    let moves = rates[step.rates_at + v.index].x != 0u;
    // After its last pass over a batch, BIP subtracts its smallest β from all.
    let anchors = meant && v.rule == RULE_BIP && order_round() + 1u == v.rounds;
    if lane == 0u {
        atomicStore(&least, select(0u, 0xffffffffu, anchors));
    }
    workgroupBarrier();
    if anchors {
        for (var e = lane; e < v.experts; e += LANES) {
            atomicMin(&least, u32(max(margin_of(v, e), 0)));
        }
    }
    workgroupBarrier();
    let anchor = i32(atomicLoad(&least));
    var sum = vec2<u32>(0u);
    if meant {
        for (var e = lane; e < v.experts; e += LANES) {
            let margin = margin_of(v, e);
            var b = bias[before + e];
            if moves && v.rule == RULE_QUANTILE {
                b = averaged(b, made_of(v, margin), v.average);
            } else if moves {
                b = made_of(v, max(margin, 0) - anchor);
            }
            bias[after + e] = b;
            sum = add64(sum, b);
        }
    }
    sums[lane] = sum;
    workgroupBarrier();
    for (var width = LANES / 2u; width > 0u; width >>= 1u) {
        if lane < width {
            sums[lane] = add64(sums[lane], sums[lane + width]);
        }
        workgroupBarrier();
    }
    // Each lane centres the biases that it wrote itself.
    if meant && moves && v.rule == RULE_QUANTILE {
        let mean = floored64(sums[0], v.experts);
        for (var e = lane; e < v.experts; e += LANES) {
            bias[after + e] = sub64(bias[after + e], mean);
        }
    }
}
