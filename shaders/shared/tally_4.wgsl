// Twin of crates/model/src/batch/mod.rs, `Batch::route`: which of the 4 largest keys count.

// Counts one assignment for each of the best `k`.
fn tally(top: Top, k: u32) {
    tally4(top.k0, 0u, k);
}
