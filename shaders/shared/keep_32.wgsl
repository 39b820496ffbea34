// Twin of crates/model/src/select.rs, `keep_largest`, for K up to 32: the 32 largest keys so far, largest first.

struct Top {
    k0: vec4<i32>,
    k1: vec4<i32>,
    k2: vec4<i32>,
    k3: vec4<i32>,
    k4: vec4<i32>,
    k5: vec4<i32>,
    k6: vec4<i32>,
    k7: vec4<i32>,
}

fn nothing() -> Top {
    let low = vec4<i32>(LOWEST);
    return Top(low, low, low, low, low, low, low, low);
}

// Merges eight sorted keys: each is compared with one of the last eight, in reverse order, and the larger stays. The result rises and falls
// at most once, so a bitonic merge sorts it.
fn merged(top: Top, next: Eight) -> Top {
    let y = max(top.k6, next.b.wzyx);
    let z = max(top.k7, next.a.wzyx);
    let a0 = max(top.k0, top.k4);
    let a4 = min(top.k0, top.k4);
    let a1 = max(top.k1, top.k5);
    let a5 = min(top.k1, top.k5);
    let a2 = max(top.k2, y);
    let a6 = min(top.k2, y);
    let a3 = max(top.k3, z);
    let a7 = min(top.k3, z);
    let b0 = max(a0, a2);
    let b2 = min(a0, a2);
    let b1 = max(a1, a3);
    let b3 = min(a1, a3);
    let b4 = max(a4, a6);
    let b6 = min(a4, a6);
    let b5 = max(a5, a7);
    let b7 = min(a5, a7);
    let c0 = max(b0, b1);
    let c1 = min(b0, b1);
    let c2 = max(b2, b3);
    let c3 = min(b2, b3);
    let c4 = max(b4, b5);
    let c5 = min(b4, b5);
    let c6 = max(b6, b7);
    let c7 = min(b6, b7);
    return Top(
        settled(c0),
        settled(c1),
        settled(c2),
        settled(c3),
        settled(c4),
        settled(c5),
        settled(c6),
        settled(c7),
    );
}

// The key of rank `i`.
fn ranked(top: Top, i: u32) -> i32 {
    var keys = array<vec4<i32>, 8>(top.k0, top.k1, top.k2, top.k3, top.k4, top.k5, top.k6, top.k7);
    return keys[i / 4u][i % 4u];
}
