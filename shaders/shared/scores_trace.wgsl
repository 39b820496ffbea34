// Twin of crates/model/src/trace.rs, `scores`: recorded scores, Q20, which the host computed once from the recorded logits.

@group(1) @binding(3) var<storage, read> recorded: array<i32>;

struct Token {
    at: u32,
}

// Recorded scores need no table.
fn prepare_scores(lane: u32) {}

fn token_of(v: Variant, index: u32) -> Token {
    return Token(step.trace_at + v.scores_at + index * v.experts);
}

fn score_at(token: Token, expert: u32) -> i32 {
    return recorded[token.at + expert];
}
