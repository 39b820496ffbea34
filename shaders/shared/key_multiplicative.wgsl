// Twin of crates/model/src/select.rs, `multiplicative_key`: the upper word of score (Q20) times factor (Q32).

fn biased_key(v: Variant, score: i32, expert: u32) -> i32 {
    let value = times64(biased[v.first_expert + expert], u32(score)).y;
    return ((bitcast<i32>(value) + VALUE_MIN) << INDEX_BITS) + (INDEX_MAX - i32(expert));
}
