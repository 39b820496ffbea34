// Twin of crates/model/src/balance/: the loads of one step become the biases of the next. One workgroup handles one variant.

@group(1) @binding(0) var<storage, read_write> bias: array<vec2<u32>>;
@group(1) @binding(2) var<storage, read_write> counts: array<atomic<u32>>;
// Step size and K_d of each variant at each step, Q32.
@group(1) @binding(3) var<storage, read> rates: array<vec4<u32>>;
// The rules' memory of each expert, kept from step to step.
@group(1) @binding(4) var<storage, read_write> memory: array<vec2<u32>>;
// The coefficients of tanh.
@group(1) @binding(5) var<uniform> tanh_table: array<vec4<u32>, TANH_SEGMENTS>;

var<workgroup> sums: array<vec2<u32>, LANES>;

// The sum over all lanes. All lanes must call it together.
fn total(lane: u32, x: vec2<u32>) -> vec2<u32> {
    workgroupBarrier();
    sums[lane] = x;
    workgroupBarrier();
    for (var width = LANES / 2u; width > 0u; width >>= 1u) {
        if lane < width {
            sums[lane] = add64(sums[lane], sums[lane + width]);
        }
        workgroupBarrier();
    }
    return sums[0];
}

// The largest value over all lanes, unsigned. All lanes must call it together.
fn largest(lane: u32, x: u32) -> u32 {
    workgroupBarrier();
    sums[lane] = vec2<u32>(x, 0u);
    workgroupBarrier();
    for (var width = LANES / 2u; width > 0u; width >>= 1u) {
        if lane < width {
            sums[lane].x = max(sums[lane].x, sums[lane + width].x);
        }
        workgroupBarrier();
    }
    return sums[0].x;
}

// K·T − E·load; at most 2³⁰ in size.
fn error_of(v: Variant, load: u32) -> i32 {
    return bitcast<i32>(v.assignments) - bitcast<i32>(v.experts * load);
}

fn load_of(v: Variant, expert: u32) -> u32 {
    return atomicLoad(&counts[step.loads_at + v.first_expert + expert]);
}

fn signed64(size: vec2<u32>, negative: bool) -> vec2<u32> {
    return select(size, negated64(size), negative);
}

fn signed_rate(rate: vec2<u32>, error: i32) -> vec2<u32> {
    if error == 0 {
        return vec2<u32>(0u);
    }
    return signed64(rate, error < 0);
}

// u·(K·T − E·c)/(K·T); the product has at most 62 bits.
fn proportional(rate: vec2<u32>, error: i32, assignments: u32) -> vec2<u32> {
    return signed64(quotient64(times64(rate, u32(abs(error))), max(assignments, 1u)), error < 0);
}

// Twin of balance/rms.rs.
struct Scale {
    shift: i32,
    root: u32,
}

fn scaled(shift: i32, error: i32) -> u32 {
    let size = u32(abs(error));
    return select(size >> u32(max(-shift, 0)), size << u32(max(shift, 0)), shift >= 0);
}

fn scale_of(lane: u32, v: Variant) -> Scale {
    var most = 0u;
    for (var e = lane; e < v.experts; e += LANES) {
        most = max(most, u32(abs(error_of(v, load_of(v, e)))));
    }
    most = largest(lane, most);
    let shift = RMS_LEAD - i32(firstLeadingBit(max(most, 1u)));
    var squares = vec2<u32>(0u);
    for (var e = lane; e < v.experts; e += LANES) {
        let size = scaled(shift, error_of(v, load_of(v, e)));
        squares = add64(squares, product64(size, size));
    }
    let mean = quotient64(total(lane, squares), v.experts);
    return Scale(shift, select(root64(mean), 0u, most == 0u));
}

fn over_rms(rate: vec2<u32>, scale: Scale, error: i32) -> vec2<u32> {
    if scale.root == 0u {
        return vec2<u32>(0u);
    }
    return signed64(quotient64(times64(rate, scaled(scale.shift, error)), scale.root), error < 0);
}

// Twin of balance/tanh.rs: Q20 to Q30.
fn tanh_of(x: vec2<u32>) -> u32 {
    let at = select(min(x.x, TANH_LIMIT), TANH_LIMIT, x.y > 0u);
    let c = tanh_table[at >> TANH_FRACTION];
    let f = at & ((1u << TANH_FRACTION) - 1u);
    let slope = c.y - shr64(product64(c.z, f), TANH_FRACTION).x;
    return c.x + shr64(product64(slope, f), TANH_FRACTION).x;
}

// Twin of balance/smebu.rs, `push`.
fn soft_push(v: Variant, rate: vec2<u32>, error: i32) -> vec2<u32> {
    let x = quotient64(product64(v.steepness, u32(abs(error))), max(v.assignments, 1u));
    return signed64(shr64(times64(rate, tanh_of(x)), TANH_BITS), error < 0);
}

// Twin of balance/smebu.rs, `blend`.
fn blended(v: Variant, before: vec2<u32>, push: vec2<u32>) -> vec2<u32> {
    let one = 1u << MOMENTUM_BITS;
    let kept = signed64(times64(size64(before), v.momentum), is_negative64(before));
    let added = signed64(times64(size64(push), one - v.momentum), is_negative64(push));
    let sum = add64(kept, added);
    return signed64(shr64(size64(sum), MOMENTUM_BITS), is_negative64(sum));
}

// Twin of balance/id.rs, `error`: Q20.
fn error_q20(v: Variant, error: i32) -> vec2<u32> {
    let size = vec2<u32>(u32(abs(error)) << ERROR_BITS, u32(abs(error)) >> (32u - ERROR_BITS));
    return signed64(quotient64(size, max(v.assignments, 1u)), error < 0);
}

// Twin of balance/id.rs, the derivative term of `increment`.
fn derivative(gain: vec2<u32>, before: vec2<u32>, now: vec2<u32>) -> vec2<u32> {
    let change = sub64(now, before);
    let none = all(before == vec2<u32>(0u)) || all(change == vec2<u32>(0u));
    if none || is_negative64(before) != is_negative64(change) {
        return vec2<u32>(0u);
    }
    // A change is at most 1,024 in Q20, which fits 31 bits.
    return signed64(shr64(times64(gain, size64(change).x), ERROR_BITS), is_negative64(change));
}

// Twin of balance/longcat.rs, `increment`.
fn towards_share(v: Variant, rate: vec2<u32>, load: u32) -> vec2<u32> {
    let tokens = max(v.assignments / v.top_k, 1u);
    let share = quotient64(vec2<u32>(load << SHARE_BITS, load >> (32u - SHARE_BITS)), tokens);
    let error = sub64(vec2<u32>(v.share, 0u), share);
    let size = quotient64(times64(rate, size64(error).x), v.top_k);
    return signed64(shr64(size, SHARE_BITS), is_negative64(error));
}

// Twin of balance/threshold.rs: the number of assignments, and the mean sign times the step size, truncated toward zero.
struct Level {
    assigned: u32,
    mean: vec2<u32>,
}

// The load above the mean load, times E; at most 2³⁰ in size.
fn excess(v: Variant, load: u32, assigned: u32) -> i32 {
    return bitcast<i32>(v.experts * load) - bitcast<i32>(assigned);
}

fn level_of(lane: u32, v: Variant, rate: vec2<u32>) -> Level {
    var loads = vec2<u32>(0u);
    for (var e = lane; e < v.experts; e += LANES) {
        loads.x += load_of(v, e);
    }
    let assigned = total(lane, loads).x;
    var signs = vec2<u32>(0u);
    for (var e = lane; e < v.experts; e += LANES) {
        signs = add64(signs, signed_rate(vec2<u32>(1u, 0u), excess(v, load_of(v, e), assigned)));
    }
    let sum = total(lane, signs);
    let size = quotient64(times64(rate, size64(sum).x), v.experts);
    return Level(assigned, signed64(size, is_negative64(sum)));
}

fn above_level(v: Variant, rate: vec2<u32>, level: Level, load: u32) -> vec2<u32> {
    let over = signed_rate(rate, excess(v, load, level.assigned));
    let too_many = signed_rate(rate, bitcast<i32>(level.assigned) - bitcast<i32>(v.assignments));
    return sub64(add64(over, too_many), level.mean);
}

// The rules under which an expert's next bias depends only on its own load and bias.
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
    // BIP's next biases have already been stored by the settle pass.
    let settled = v.rule == RULE_BIP && v.rank != 0u;
    let before = select(step.bias_at, step.next_bias_at, settled) + v.first_expert;
    let after = step.next_bias_at + v.first_expert;
    let both = rates[step.rates_at + v.index];
    let rate = both.xy;
    let still = all(rate == vec2<u32>(0u));
    var scale = Scale(0, 0u);
    if v.rule == RULE_RMS {
        scale = scale_of(lane, v);
    }
    var level = Level(0u, vec2<u32>(0u));
    if v.rule == RULE_THRESHOLD {
        level = level_of(lane, v, rate);
    }
    // Steps that are centred before they are added are stored in the place of the next biases.
    var mean = vec2<u32>(0u);
    if v.rule == RULE_CENTRED_SIGN || v.rule == RULE_SMEBU {
        var sum = vec2<u32>(0u);
        for (var e = lane; e < v.experts; e += LANES) {
            let error = error_of(v, load_of(v, e));
            var push = signed_rate(rate, error);
            if v.rule == RULE_SMEBU {
                push = soft_push(v, rate, error);
            }
            bias[after + e] = push;
            sum = add64(sum, push);
        }
        mean = floored64(total(lane, sum), v.experts);
    }
    var sum = vec2<u32>(0u);
    for (var e = lane; e < v.experts; e += LANES) {
        let load = load_of(v, e);
        var b = bias[before + e];
        switch v.rule {
            case RULE_CENTRED_SIGN: {
                b = add64(b, sub64(bias[after + e], mean));
            }
            case RULE_RMS: {
                b = add64(b, over_rms(rate, scale, error_of(v, load)));
            }
            case RULE_SMEBU: {
                if !still {
                    let m = blended(v, memory[v.first_expert + e], sub64(bias[after + e], mean));
                    memory[v.first_expert + e] = m;
                    b = add64(b, m);
                }
            }
            case RULE_ID_BALANCING: {
                if !still {
                    let error = error_of(v, load);
                    let now = error_q20(v, error);
                    b = add64(b, proportional(rate, error, v.assignments));
                    b = add64(b, derivative(both.zw, memory[v.first_expert + e], now));
                    memory[v.first_expert + e] = now;
                }
            }
            case RULE_LONGCAT: {
                if e < v.computing {
                    b = add64(b, towards_share(v, rate, load));
                }
            }
            case RULE_THRESHOLD: {
                b = sub64(b, above_level(v, rate, level, load));
            }
            default: {
                b = next_bias(v, b, load, rate);
            }
        }
        bias[after + e] = b;
        sum = add64(sum, b);
    }
    // Each lane centres the biases that it wrote itself.
    if v.centred != 0u {
        let mean = floored64(total(lane, sum), v.experts);
        for (var e = lane; e < v.experts; e += LANES) {
            bias[after + e] = sub64(bias[after + e], mean);
        }
    }
}
