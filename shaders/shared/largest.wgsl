// Twin of crates/model/src/select.rs, `Selector::new`: the largest bias of a variant, in units of its gate, like its scores. One workgroup
// handles one variant.

var<workgroup> largest: array<vec2<u32>, LANES>;

// The largest bias; `at` is the index of the variant's first bias. All lanes must call it together.
fn largest_bias(v: Variant, at: u32, lane: u32) -> vec2<u32> {
    // Lanes without an expert use the first expert's bias.
    var top = bias[at];
    for (var e = lane; e < v.experts; e += LANES) {
        top = max64(top, bias[at + e]);
    }
    largest[lane] = top;
    workgroupBarrier();
    for (var width = LANES / 2u; width > 0u; width >>= 1u) {
        if lane < width {
            largest[lane] = max64(largest[lane], largest[lane + width]);
        }
        workgroupBarrier();
    }
    // The shift keeps the order, so it is applied to the largest alone.
    return sar64(largest[0], v.bias_shift);
}
