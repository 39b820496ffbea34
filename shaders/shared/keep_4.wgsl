// Twin of crates/model/src/select.rs, `keep_largest`, for K up to 4: the 4 largest keys so far, largest first.

struct Top {
    k0: vec4<i32>,
}

fn nothing() -> Top {
    return Top(vec4<i32>(LOWEST));
}

// Merges eight sorted keys: keeps the best four of all twelve, and sorts them.
fn merged(top: Top, next: Eight) -> Top {
    return Top(settled(max(top.k0, next.a.wzyx)));
}

// The key of rank `i`.
fn ranked(top: Top, i: u32) -> i32 {
    var keys = array<vec4<i32>, 1>(top.k0);
    return keys[i / 4u][i % 4u];
}
