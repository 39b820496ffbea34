// Twin of crates/model/src/batch/mod.rs, `Routing::above_threshold`: s + b > 0 in 64 bits. The score is Q20 and the bias Q32, both in units
// of the gate.

fn is_above(v: Variant, score: i32, expert: u32) -> bool {
    let s = vec2<u32>(u32(score) << 12u, u32(score) >> 20u);
    let sum = add64(s, biased[v.first_expert + expert]);
    return !is_negative64(sum) && any(sum != vec2<u32>(0u));
}
