// Twin of crates/model/src/gate.rs, `scores` with the root of the softplus: each expert's score separately.

struct Token {
    x: Embedding,
}

fn prepare_scores(lane: u32) {
    load_segments(lane, 2u * SEGMENTS);
}

fn token_of(v: Variant, index: u32) -> Token {
    return Token(embedding(index));
}

fn score_at(token: Token, expert: u32) -> i32 {
    return sqrt_softplus(logit(token.x, expert));
}
