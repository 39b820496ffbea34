// Twin of crates/model/src/step.rs: what the host passes for one step, one dispatch and one variant. The layouts are those of
// crates/engine/src/gpu/layout.rs; a test compares them.

// One step of a submission. Each `…_at` is an index into the array it belongs to, in elements.
struct Step {
    batch: u32,
    sample: u32,
    loads_at: u32,
    moved_at: u32,
    saturated_at: u32,
    bias_at: u32,
    next_bias_at: u32,
    rates_at: u32,
    topics_at: u32,
    topics: u32,
    key_step: u32,
    seed: u32,
    burst: u32,
    noise_q8: i32,
    trace_at: u32,
    pad: u32,
}

// The variants and tokens that one dispatch handles.
struct Part {
    first_variant: u32,
    first_token: u32,
    variants: u32,
    stage: u32,
}

struct Variant {
    experts: u32,
    top_k: u32,
    first_expert: u32,
    index: u32,
    rule: u32,
    centred: u32,
    scores_at: u32,
    assignments: u32,
    bias_shift: u32,
    steepness: u32,
    momentum: u32,
    computing: u32,
    share: u32,
    groups: u32,
    kept: u32,
    rank: u32,
    rounds: u32,
    average: u32,
}

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<uniform> part: Part;
@group(0) @binding(2) var<storage, read> variants: array<Variant>;

// A part's stage packs the digit to count, the inner iteration and the rule, from the lowest bits up.
fn digit_stage() -> u32 {
    return part.stage & ((1u << STAGE_ROUND_SHIFT) - 1u);
}

fn order_round() -> u32 {
    return (part.stage >> STAGE_ROUND_SHIFT) & ((1u << STAGE_ROUND_BITS) - 1u);
}
