// Twin of crates/model/src/select.rs, `keep_largest`, for K up to 8: the 8 largest keys so far, largest first.

struct Top {
    k0: vec4<i32>,
    k1: vec4<i32>,
}

fn nothing() -> Top {
    return Top(vec4<i32>(LOWEST), vec4<i32>(LOWEST));
}

// Merges eight sorted keys: each is compared with one of the last eight, in reverse order, and the larger stays. The result rises and falls
// at most once, so a bitonic merge sorts it.
fn merged(top: Top, next: Eight) -> Top {
    let y = max(top.k0, next.b.wzyx);
    let z = max(top.k1, next.a.wzyx);
    let a0 = max(y, z);
    let a1 = min(y, z);
    return Top(settled(a0), settled(a1));
}

// The key of rank `i`.
fn ranked(top: Top, i: u32) -> i32 {
    var keys = array<vec4<i32>, 2>(top.k0, top.k1);
    return keys[i / 4u][i % 4u];
}
