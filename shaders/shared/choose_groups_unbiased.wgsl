// Twin of crates/model/src/groups.rs, `top_k`: the experts that a token would choose by score alone.

fn chosen_unbiased(v: Variant, token: Token) -> Top {
    return chosen_by(v, token, false);
}

// Whether an expert is among those chosen by score. Its key alone does not tell, because its group may not be kept.
fn stays(v: Variant, token: Token, expert: u32, unbiased: Top, threshold: i32) -> bool {
    var found = false;
    for (var rank = 0u; rank < v.top_k; rank += 1u) {
        found = found || expert_of(ranked(unbiased, rank)) == expert;
    }
    return found;
}
