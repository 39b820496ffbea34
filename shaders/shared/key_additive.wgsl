// Twin of crates/model/src/select.rs, `additive_key`.

fn biased_key(v: Variant, score: i32, expert: u32) -> i32 {
    return (score << INDEX_BITS) + bitcast<i32>(biased[v.first_expert + expert].x);
}
