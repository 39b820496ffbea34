// Twin of crates/model/src/batch/mod.rs, `Batch::route`: counts the best of the 32 keys that keep_32.wgsl keeps.

// Counts one assignment for each of the best `k` keys.
fn tally(top: Top, k: u32) {
    tally4(top.k0, 0u, k);
    tally4(top.k1, 4u, k);
    tally4(top.k2, 8u, k);
    tally4(top.k3, 12u, k);
    tally4(top.k4, 16u, k);
    tally4(top.k5, 20u, k);
    tally4(top.k6, 24u, k);
    tally4(top.k7, 28u, k);
}
