// Twin of crates/model/src/select.rs, `Selector::new`: the largest of a variant's biases, in units of its gate as its scores are. One workgroup
// is one variant.

var<workgroup> largest: array<vec2<u32>, LANES>;

// Every lane must call it, with the place of the variant's first bias.
fn largest_bias(v: Variant, at: u32, lane: u32) -> vec2<u32> {
    // Lanes without an expert repeat the first.
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
    // A shift keeps the order.
    return sar64(largest[0], v.bias_shift);
}
