// Twin of crates/model/src/order.rs, `Search::pick`: the next digit of the number sought, from how many tokens have each digit; the bins
// are emptied. One workgroup handles one expert; workgroup_id.y counts variants. Each lane has four bins, lane 0 those of the largest
// digits.

var<workgroup> sums: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn pick(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let v = variants[group.y];
    let is_one = group.x < v.experts && is_meant(v);
    let at = search_at(v, min(group.x, v.experts - 1u));
    let first = at + SEARCH + BINS - 1u - 4u * lane;
    var bins = vec4<u32>(0u);
    var rank = 0u;
    if is_one {
        for (var i = 0u; i < 4u; i += 1u) {
            bins[i] = atomicExchange(&order[first - i], 0u);
        }
        rank = atomicLoad(&order[at + 1u]);
    }
    // The sum over all lanes up to this one.
    var sum = bins.x + bins.y + bins.z + bins.w;
    sums[lane] = sum;
    workgroupBarrier();
    for (var width = 1u; width < LANES; width <<= 1u) {
        var more = 0u;
        if lane >= width {
            more = sums[lane - width];
        }
        workgroupBarrier();
        sum += more;
        sums[lane] = sum;
        workgroupBarrier();
    }
    var left = rank - (sum - (bins.x + bins.y + bins.z + bins.w));
    // In exactly one lane the rank is reached.
    if is_one && sum >= rank && bitcast<i32>(left) > 0 {
        var i = 0u;
        while i < 3u && bins[i] < left {
            left -= bins[i];
            i += 1u;
        }
        let digit = BINS - 1u - 4u * lane - i;
        atomicStore(&order[at], (atomicLoad(&order[at]) << DIGIT_BITS[digit_stage()]) | digit);
        atomicStore(&order[at + 1u], left);
    }
}
