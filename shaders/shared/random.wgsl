// Twin of crates/model/src/random.rs: counter-based random numbers (pcg4d of Jarzynski and Olano, JCGT 9(3), 2020).

fn stirred(words: vec4<u32>) -> vec4<u32> {
    var v = words;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    return v;
}

fn pcg4d(index: u32, at: u32, stream: u32, seed: u32) -> vec4<u32> {
    let v = stirred(vec4<u32>(index, at, stream, seed) * 1664525u + 1013904223u);
    return stirred(v ^ (v >> vec4<u32>(16u)));
}
