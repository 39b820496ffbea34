// Twin of crates/model/src/batch/mod.rs, `Batch::route`: a token goes to its K best experts.

fn assign(v: Variant, token: Token, index: u32) {
    tally(chosen(v, token, index), v.top_k);
}
