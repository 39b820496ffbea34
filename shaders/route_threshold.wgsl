// Twin of src/model/step/batch.rs, `Batch::route` under rule `Threshold`: a token gets every expert with s + b > 0, however many they are.
// As shaders/route.wgsl otherwise.

const LANES = 128u;

@group(1) @binding(5) var<storage, read_write> counts: array<atomic<u32>>;

@compute @workgroup_size(LANES)
fn route_threshold(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let v = variants[part.first_variant + group.y];
    for (var e = lane; e < v.experts; e += LANES) {
        atomicStore(&histogram[e], 0u);
    }
    prepare_scores(lane);
    workgroupBarrier();
    let index = part.first_token + group.x * LANES + lane;
    if index < step.batch {
        let token = token_of(v, index);
        for (var e = 0u; e < v.experts; e += 1u) {
            if is_above(v, score_at(token, e), e) {
                atomicAdd(&histogram[e], 1u);
            }
        }
    }
    workgroupBarrier();
    for (var e = lane; e < v.experts; e += LANES) {
        let load = atomicLoad(&histogram[e]);
        if load > 0u {
            atomicAdd(&counts[step.loads_at + v.first_expert + e], load);
        }
    }
}
