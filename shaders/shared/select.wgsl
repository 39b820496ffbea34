// Twin of crates/model/src/select.rs: the selection of a token's K experts. A key has 22 value bits above 10 bits of inverted expert index.

// The part of a key that depends only on the expert: (offset, 0) for additive rules, the factor for the multiplicative rule, the bias for
// rule `Threshold`; the last two Q32.
@group(1) @binding(4) var<storage, read> biased: array<vec2<u32>>;

// Eight keys, largest first.
struct Eight {
    a: vec4<i32>,
    b: vec4<i32>,
}

fn expert_of(key: i32) -> u32 {
    return u32(INDEX_MAX - (key & INDEX_MAX));
}

// The key from the score alone.
fn unbiased_key(score: i32, expert: u32) -> i32 {
    return ((score + SCORE_ONE - 1) << INDEX_BITS) + (INDEX_MAX - i32(expert));
}

// A sorting network of nineteen comparators: without branches, so lanes never diverge.
fn sorted(p: vec4<i32>, q: vec4<i32>) -> Eight {
    // (0,2) (1,3) (4,6) (5,7)
    var left = vec4<i32>(p.xy, q.xy);
    var right = vec4<i32>(p.zw, q.zw);
    var high = max(left, right);
    var low = min(left, right);
    // (0,4) (1,5) (2,6) (3,7)
    left = vec4<i32>(high.xy, low.xy);
    right = vec4<i32>(high.zw, low.zw);
    high = max(left, right);
    low = min(left, right);
    // (0,1) (2,3) (4,5) (6,7)
    left = vec4<i32>(high.xz, low.xz);
    right = vec4<i32>(high.yw, low.yw);
    high = max(left, right);
    low = min(left, right);
    // Keys 0…7 are now high.x, low.x, high.y, low.y, high.z, low.z, high.w, low.w. (2,4) (3,5)
    let upper = max(vec2<i32>(high.y, low.y), vec2<i32>(high.z, low.z));
    let lower = min(vec2<i32>(high.y, low.y), vec2<i32>(high.z, low.z));
    // (1,4) (3,6)
    let first = max(vec2<i32>(low.x, upper.y), vec2<i32>(lower.x, high.w));
    let last = min(vec2<i32>(low.x, upper.y), vec2<i32>(lower.x, high.w));
    // (1,2) (3,4) (5,6)
    let x = vec3<i32>(first.x, first.y, lower.y);
    let y = vec3<i32>(upper.x, last.x, last.y);
    let above = max(x, y);
    let below = min(x, y);
    return Eight(vec4<i32>(high.x, above.x, below.x, above.y), vec4<i32>(below.y, above.z, below.z, low.w));
}

// The last two layers of a bitonic merge: sorts four keys that rise and fall at most once.
fn settled(v: vec4<i32>) -> vec4<i32> {
    let w = vec4<i32>(max(v.xy, v.zw), min(v.xy, v.zw));
    let high = max(w.xz, w.yw);
    let low = min(w.xz, w.yw);
    return vec4<i32>(high.x, low.x, high.y, low.y);
}
