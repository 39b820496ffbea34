// Twin of crates/model/src/batch/mod.rs, `Batch::route`: tokens → logits → gate → bias → top-K → loads in one pass. One thread handles one
// token; workgroup_id.x counts blocks of tokens, workgroup_id.y variants. Nothing of the size tokens × experts is stored.

@group(1) @binding(5) var<storage, read_write> counts: array<atomic<u32>>;

var<workgroup> histogram: array<atomic<u32>, MOST_EXPERTS>;

@compute @workgroup_size(LANES)
fn route(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let v = variants[part.first_variant + group.y];
    for (var e = lane; e < v.experts; e += LANES) {
        atomicStore(&histogram[e], 0u);
    }
    prepare_scores(lane);
    workgroupBarrier();
    let index = part.first_token + group.x * LANES + lane;
    if index < step.batch {
        assign(v, token_of(v, index), index);
    }
    workgroupBarrier();
    for (var e = lane; e < v.experts; e += LANES) {
        let load = atomicLoad(&histogram[e]);
        if load > 0u {
            atomicAdd(&counts[step.loads_at + v.first_expert + e], load);
        }
    }
}
