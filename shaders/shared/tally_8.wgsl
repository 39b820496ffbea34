// Twin of crates/model/src/batch/mod.rs, `Batch::route`: which of the 8 largest keys count.

// Counts one assignment for each of the best `k`.
fn tally(top: Top, k: u32) {
    tally4(top.k0, 0u, k);
    tally4(top.k1, 4u, k);
}
