// Twin of crates/model/src/order.rs: order statistics over a batch by radix select, one digit per pass.

// Words per expert: SEARCH words for the digits known so far, the rank among the numbers that share them, and the shift that makes α
// absolute; then the bins.
const STRIDE = SEARCH + BINS;

@group(2) @binding(0) var<storage, read_write> order: array<atomic<u32>>;

// Whether this pass applies to a variant.
fn is_meant(v: Variant) -> bool {
    return v.rank != 0u && v.rule == part.stage >> STAGE_RULE_SHIFT && order_round() < v.rounds;
}

fn search_at(v: Variant, expert: u32) -> u32 {
    return (v.first_expert + expert) * STRIDE;
}
