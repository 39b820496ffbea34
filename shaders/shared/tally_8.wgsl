// Twin of crates/model/src/batch/mod.rs, `Batch::route`: counts the best of the 8 keys that keep_8.wgsl keeps.

// Counts one assignment for each of the best `k` keys.
fn tally(top: Top, k: u32) {
    tally4(top.k0, 0u, k);
    tally4(top.k1, 4u, k);
}
