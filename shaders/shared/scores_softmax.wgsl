// Twin of crates/model/src/gate.rs, `scores` with the softmax gate. The logits are computed three times (for the largest, the sum and the
// score), because a token's scores at 1,024 experts would not fit into a thread's registers, and reading memory takes longer than a dot
// product.

struct Token {
    x: Embedding,
    top: i32,
    norm: Normaliser,
}

fn prepare_scores(lane: u32) {
    load_segments(lane, SEGMENTS);
}

fn token_of(v: Variant, index: u32) -> Token {
    let x = embedding(index);
    var top = -LOGIT_LIMIT;
    for (var e = 0u; e < v.experts; e += 1u) {
        top = max(top, saturated(logit(x, e)));
    }
    var sum = 0u;
    for (var e = 0u; e < v.experts; e += 1u) {
        sum += exp_neg(top - saturated(logit(x, e)));
    }
    return Token(x, top, normaliser(sum));
}

fn score_at(token: Token, expert: u32) -> i32 {
    return softmax_score(token.norm, exp_neg(token.top - saturated(logit(token.x, expert))));
}
