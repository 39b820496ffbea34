// Twin of crates/model/src/fixed.rs: 64-bit integers as two words (x low, y high), in two's complement, wrapping.

fn wide(x: i32) -> vec2<u32> {
    return vec2<u32>(bitcast<u32>(x), bitcast<u32>(x >> 31u));
}

fn add64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    return vec2<u32>(low, a.y + b.y + select(0u, 1u, low < a.x));
}

fn negated64(a: vec2<u32>) -> vec2<u32> {
    return add64(~a, vec2<u32>(1u, 0u));
}

fn sub64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return vec2<u32>(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}

fn is_negative64(a: vec2<u32>) -> bool {
    return bitcast<i32>(a.y) < 0;
}

// Signed a < b.
fn less64(a: vec2<u32>, b: vec2<u32>) -> bool {
    return bitcast<i32>(a.y) < bitcast<i32>(b.y) || (a.y == b.y && a.x < b.x);
}

fn max64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return select(a, b, less64(a, b));
}

// The full product of two unsigned words.
fn product64(a: u32, b: u32) -> vec2<u32> {
    let al = a & 0xffffu;
    let ah = a >> 16u;
    let bl = b & 0xffffu;
    let bh = b >> 16u;
    // Neither sum can overflow: (2¹⁶ − 1)² + 2·(2¹⁶ − 1) = 2³² − 1.
    let middle = ah * bl + ((al * bl) >> 16u);
    let cross = al * bh + (middle & 0xffffu);
    return vec2<u32>(a * b, ah * bh + (middle >> 16u) + (cross >> 16u));
}

// The low 64 bits of a 64-bit integer times an unsigned word.
fn times64(a: vec2<u32>, b: u32) -> vec2<u32> {
    let low = product64(a.x, b);
    return vec2<u32>(low.x, low.y + a.y * b);
}

// Unsigned a / d for 0 < d < 2²⁸: long division, four bits at a time, so that the remainder always fits a word.
fn quotient64(a: vec2<u32>, d: u32) -> vec2<u32> {
    var rest = a.y % d;
    var low = 0u;
    for (var shift = 0u; shift < 32u; shift += 4u) {
        let part = (rest << 4u) | ((a.x >> (28u - shift)) & 15u);
        low = (low << 4u) | (part / d);
        rest = part % d;
    }
    return vec2<u32>(low, a.y / d);
}

// Signed a / d, rounded down, as `div_euclid` in Rust.
fn floored64(a: vec2<u32>, d: u32) -> vec2<u32> {
    if is_negative64(a) {
        return negated64(quotient64(add64(negated64(a), vec2<u32>(d - 1u, 0u)), d));
    }
    return quotient64(a, d);
}

// Q32 to Q20, rounded to nearest, halves up; still 64 bits wide.
fn q32_to_q20(x: vec2<u32>) -> vec2<u32> {
    let rounded = add64(x, vec2<u32>(2048u, 0u));
    return vec2<u32>((rounded.x >> 12u) | (rounded.y << 20u), bitcast<u32>(bitcast<i32>(rounded.y) >> 12u));
}

// An unsigned integer shifted to the right by 0 to 31 bits.
fn shr64(a: vec2<u32>, by: u32) -> vec2<u32> {
    if by == 0u {
        return a;
    }
    return vec2<u32>((a.x >> by) | (a.y << (32u - by)), a.y >> by);
}

// A signed integer shifted to the right by 0 to 31 bits, rounded down.
fn sar64(a: vec2<u32>, by: u32) -> vec2<u32> {
    if by == 0u {
        return a;
    }
    return vec2<u32>((a.x >> by) | (a.y << (32u - by)), bitcast<u32>(bitcast<i32>(a.y) >> by));
}

// The absolute value of a signed integer.
fn size64(a: vec2<u32>) -> vec2<u32> {
    return select(a, negated64(a), is_negative64(a));
}

// The largest integer whose square is at most `a`, for `a` below 2⁵⁶.
fn root64(a: vec2<u32>) -> u32 {
    var root = 0u;
    for (var bit = 1u << 27u; bit > 0u; bit >>= 1u) {
        let next = root | bit;
        if !less64(a, product64(next, next)) {
            root = next;
        }
    }
    return root;
}
