// Twin of crates/model/src/gate.rs, `scores` with the sigmoid gate: each expert's score separately.

struct Token {
    x: Embedding,
}

fn prepare_scores(lane: u32) {
    load_segments(lane, 0u);
}

fn token_of(v: Variant, index: u32) -> Token {
    return Token(embedding(index));
}

fn score_at(token: Token, expert: u32) -> i32 {
    return sigmoid(logit(token.x, expert));
}
