// Twin of crates/model/src/select.rs, `Selector::unbiased`: the experts that a token would choose by score alone, among all experts.

fn unbiased_or_lowest(v: Variant, token: Token, expert: u32) -> i32 {
    return select(unbiased_key(score_at(token, expert), expert), LOWEST, expert >= v.experts);
}

fn chosen_unbiased(v: Variant, token: Token) -> Top {
    var top = nothing();
    for (var e = 0u; e < v.experts; e += 8u) {
        let a = vec4<i32>(
            unbiased_or_lowest(v, token, e),
            unbiased_or_lowest(v, token, e + 1u),
            unbiased_or_lowest(v, token, e + 2u),
            unbiased_or_lowest(v, token, e + 3u),
        );
        let b = vec4<i32>(
            unbiased_or_lowest(v, token, e + 4u),
            unbiased_or_lowest(v, token, e + 5u),
            unbiased_or_lowest(v, token, e + 6u),
            unbiased_or_lowest(v, token, e + 7u),
        );
        top = merged(top, sorted(a, b));
    }
    return top;
}

// Whether an expert is among those chosen by score: its key is at least the smallest of their keys.
fn stays(v: Variant, token: Token, expert: u32, unbiased: Top, threshold: i32) -> bool {
    return unbiased_key(score_at(token, expert), expert) >= threshold;
}
