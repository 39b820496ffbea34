// Twin of crates/model/src/select.rs, `keep_largest`, for K up to 16: the 16 largest keys so far, largest first.

struct Top {
    k0: vec4<i32>,
    k1: vec4<i32>,
    k2: vec4<i32>,
    k3: vec4<i32>,
}

fn nothing() -> Top {
    return Top(vec4<i32>(LOWEST), vec4<i32>(LOWEST), vec4<i32>(LOWEST), vec4<i32>(LOWEST));
}

// Merges eight sorted keys: each is compared with one of the last eight, in reverse order, and the larger stays. The result rises and falls
// at most once, so a bitonic merge sorts it.
fn merged(top: Top, next: Eight) -> Top {
    let y = max(top.k2, next.b.wzyx);
    let z = max(top.k3, next.a.wzyx);
    let a0 = max(top.k0, y);
    let a2 = min(top.k0, y);
    let a1 = max(top.k1, z);
    let a3 = min(top.k1, z);
    let b0 = max(a0, a1);
    let b1 = min(a0, a1);
    let b2 = max(a2, a3);
    let b3 = min(a2, a3);
    return Top(settled(b0), settled(b1), settled(b2), settled(b3));
}

// The key of rank `i`.
fn ranked(top: Top, i: u32) -> i32 {
    var keys = array<vec4<i32>, 4>(top.k0, top.k1, top.k2, top.k3);
    return keys[i / 4u][i % 4u];
}
