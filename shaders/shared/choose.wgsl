// Twin of crates/model/src/select.rs, `top_k`: a token's keys at all experts of a variant are merged in blocks of eight.

fn key_or_lowest(v: Variant, token: Token, expert: u32) -> i32 {
    // Every real expert beats the padding, even one whose key is saturated.
    return select(biased_key(v, score_at(token, expert), expert), LOWEST, expert >= v.experts);
}

fn chosen(v: Variant, token: Token, index: u32) -> Top {
    var top = nothing();
    for (var e = 0u; e < v.experts; e += 8u) {
        let a = vec4<i32>(
            key_or_lowest(v, token, e),
            key_or_lowest(v, token, e + 1u),
            key_or_lowest(v, token, e + 2u),
            key_or_lowest(v, token, e + 3u),
        );
        let b = vec4<i32>(
            key_or_lowest(v, token, e + 4u),
            key_or_lowest(v, token, e + 5u),
            key_or_lowest(v, token, e + 6u),
            key_or_lowest(v, token, e + 7u),
        );
        top = merged(top, sorted(a, b));
    }
    return top;
}
