// Twin of crates/model/src/step/batch.rs, `Batch::route`: a token goes to its K best.

fn assign(v: Variant, token: Token, index: u32) {
    tally(chosen(v, token, index), v.top_k);
}
