// Twin of crates/model/src/order.rs: order statistics over a batch by radix select, one digit per pass.

// Added to a margin, which then fits 23 bits and is not negative.
const OFFSET = 1 << 21u;
// Words of an expert: the digits known so far, the rank among those that share them, and what makes α absolute; then the bins.
const SEARCH = 4u;
const BINS = 256u;
const STRIDE = SEARCH + BINS;
const DIGIT_SHIFTS = vec3<u32>(15u, 7u, 0u);
const DIGIT_BITS = vec3<u32>(8u, 8u, 7u);

@group(2) @binding(0) var<storage, read_write> order: array<atomic<u32>>;

// A part's stage says which digit is counted, in which inner iteration, for which rule.
fn digit_stage() -> u32 {
    return part.stage & 7u;
}

fn order_round() -> u32 {
    return (part.stage >> 3u) & 31u;
}

// Whether this pass is for a variant.
fn is_meant(v: Variant) -> bool {
    return v.rank != 0u && v.rule == part.stage >> 8u && order_round() < v.rounds;
}

fn search_at(v: Variant, expert: u32) -> u32 {
    return (v.first_expert + expert) * STRIDE;
}
