// Twin of crates/model/src/gate.rs: from integer logits (Q14) to integer scores (Q20), with tables that the host made.

// The coefficients of σ, then those of 2⁻ᶠ, then those of the root of the softplus.
@group(1) @binding(0) var<uniform> tables: array<vec4<i32>, 3u * SEGMENTS>;
// The table that this pass uses, in workgroup memory, where lanes can read different places at once.
var<workgroup> segments: array<vec4<i32>, SEGMENTS>;

// Loads a table; a barrier must follow.
fn load_segments(lane: u32, first: u32) {
    if lane < SEGMENTS {
        segments[lane] = tables[first + lane];
    }
}

fn sigmoid(logit: i32) -> i32 {
    let m = min(abs(logit), LOGIT_LIMIT);
    let c = segments[u32(m) >> SIGMOID_FRACTION];
    let f = m & ((1 << SIGMOID_FRACTION) - 1);
    let s = c.x + (((c.y + ((c.z * f) >> SIGMOID_FRACTION)) * f) >> SIGMOID_FRACTION);
    return select(s, SCORE_ONE - s, logit < 0);
}

fn saturated(logit: i32) -> i32 {
    return clamp(logit, -LOGIT_LIMIT, LOGIT_LIMIT);
}

// √ln(1 + eˣ)/4.
fn sqrt_softplus(logit: i32) -> i32 {
    let m = saturated(logit) + LOGIT_LIMIT + 1;
    let c = segments[u32(m) >> ROOT_FRACTION];
    let f = m & ((1 << ROOT_FRACTION) - 1);
    return c.x + (((c.y + ((c.z * f) >> ROOT_FRACTION)) * f) >> ROOT_FRACTION);
}

// e^(−distance), Q18.
fn exp_neg(distance: i32) -> u32 {
    let y = (distance * LOG2_E + 2048) >> 12u;
    let f = y & ((1 << LOGIT_BITS) - 1);
    let c = segments[u32(f) >> EXP2_FRACTION];
    return u32((c.x - ((c.y * (f & ((1 << EXP2_FRACTION) - 1))) >> EXP2_FRACTION)) >> u32(y >> LOGIT_BITS));
}

// Turns a token's exponentials into softmax scores.
struct Normaliser {
    reciprocal: u32,
    shift: u32,
}

// For the sum of a token's exponentials, which is at least 2¹⁸.
fn normaliser(sum: u32) -> Normaliser {
    let shift = firstLeadingBit(sum) - EXP_BITS;
    return Normaliser(0xffffffffu / (sum >> shift), shift);
}

fn softmax_score(n: Normaliser, exponential: u32) -> i32 {
    return i32((exponential * n.reciprocal) >> (12u + n.shift));
}
