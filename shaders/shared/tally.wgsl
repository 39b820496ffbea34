// Twin of crates/model/src/batch/mod.rs, `Batch::route`: loads are counted within the workgroup and then added to the totals once.

// Counts those of four keys (ranks `first`…`first` + 3) that are among the best `k`.
fn tally4(keys: vec4<i32>, first: u32, k: u32) {
    if first < k {
        atomicAdd(&histogram[expert_of(keys.x)], 1u);
    }
    if first + 1u < k {
        atomicAdd(&histogram[expert_of(keys.y)], 1u);
    }
    if first + 2u < k {
        atomicAdd(&histogram[expert_of(keys.z)], 1u);
    }
    if first + 3u < k {
        atomicAdd(&histogram[expert_of(keys.w)], 1u);
    }
}
