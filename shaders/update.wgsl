// Twin of src/model/balance/: the loads of one step become the biases of the next. One workgroup is one variant.

const LANES = 128u;
// 4 − 2⁻³² as Q32: the largest factor of the multiplicative rule.
const LARGEST_FACTOR = vec2<u32>(0xffffffffu, 3u);

@group(1) @binding(0) var<storage, read_write> bias: array<vec2<u32>>;
@group(1) @binding(2) var<storage, read_write> counts: array<atomic<u32>>;
// Step size of each variant at each step, Q32.
@group(1) @binding(3) var<storage, read> rates: array<vec2<u32>>;

var<workgroup> sums: array<vec2<u32>, LANES>;

// K·T − E·load; at most 2³⁰ in size.
fn error_of(v: Variant, load: u32) -> i32 {
    return bitcast<i32>(v.assignments) - bitcast<i32>(v.experts * load);
}

fn signed_rate(rate: vec2<u32>, error: i32) -> vec2<u32> {
    if error == 0 {
        return vec2<u32>(0u);
    }
    return select(rate, negated64(rate), error < 0);
}

// u·(K·T − E·c)/(K·T); the product has at most 62 bits.
fn proportional(rate: vec2<u32>, error: i32, assignments: u32) -> vec2<u32> {
    let size = quotient64(times64(rate, u32(abs(error))), max(assignments, 1u));
    return select(size, negated64(size), error < 0);
}

fn next_bias(v: Variant, b: vec2<u32>, load: u32, rate: vec2<u32>) -> vec2<u32> {
    let error = error_of(v, load);
    switch v.rule {
        case RULE_SIGN: {
            return add64(b, signed_rate(rate, error));
        }
        case RULE_PROPORTIONAL: {
            return add64(b, proportional(rate, error, v.assignments));
        }
        case RULE_MULTIPLICATIVE: {
            let next = add64(b, signed_rate(rate, error));
            if is_negative64(next) {
                return vec2<u32>(0u);
            }
            return select(next, LARGEST_FACTOR, less64(LARGEST_FACTOR, next));
        }
        default: {
            return b;
        }
    }
}

@compute @workgroup_size(LANES)
fn update(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let v = variants[group.x];
    // BIP's next bias is there already.
    let settled = v.rule == RULE_BIP && v.rank != 0u;
    let before = select(step.bias_at, step.next_bias_at, settled) + v.first_expert;
    let after = step.next_bias_at + v.first_expert;
    let rate = rates[step.rates_at + v.index];
    var sum = vec2<u32>(0u);
    for (var e = lane; e < v.experts; e += LANES) {
        let load = atomicLoad(&counts[step.loads_at + v.first_expert + e]);
        let b = next_bias(v, bias[before + e], load, rate);
        bias[after + e] = b;
        sum = add64(sum, b);
    }
    sums[lane] = sum;
    workgroupBarrier();
    for (var width = LANES / 2u; width > 0u; width >>= 1u) {
        if lane < width {
            sums[lane] = add64(sums[lane], sums[lane + width]);
        }
        workgroupBarrier();
    }
    // Each lane centres the biases it wrote itself.
    if v.centred != 0u {
        let mean = floored64(sums[0], v.experts);
        for (var e = lane; e < v.experts; e += LANES) {
            bias[after + e] = sub64(bias[after + e], mean);
        }
    }
}
