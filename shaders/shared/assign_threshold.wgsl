// Twin of crates/model/src/batch/mod.rs, `Batch::route` under rule `Threshold`: a token goes to every expert with s + b > 0, however many
// there are.

fn assign(v: Variant, token: Token, index: u32) {
    for (var e = 0u; e < v.experts; e += 1u) {
        if is_above(v, score_at(token, e), e) {
            atomicAdd(&histogram[e], 1u);
        }
    }
}
