// Twin of crates/model/src/batch/mod.rs, `Batch::route`: counts the best of the 4 keys that keep_4.wgsl keeps.

// Counts one assignment for each of the best `k` keys.
fn tally(top: Top, k: u32) {
    tally4(top.k0, 0u, k);
}
