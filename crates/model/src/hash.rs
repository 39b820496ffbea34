//! Hash routing (hash layers, arXiv 2106.04426): a word always goes to the same K experts. This is the paper's random hash, which uses
//! neither the meaning nor the frequency of words.
//!
//! A word is the token id in a trace; for a synthetic token it is the topic and six random bits, so that each topic has 64 words.

use super::random::{Stream, pcg4d};

/// Words per topic of synthetic tokens.
pub const WORDS_PER_TOPIC: u32 = 64;

/// The word of a synthetic token. Its random bits come from the topic's draw, from a word of it that nothing else uses.
#[must_use]
pub fn synthetic_word(topic: u32, token: u32, step: u32, seed: u32) -> u32 {
    topic * WORDS_PER_TOPIC + (pcg4d(token, step, Stream::Topic, seed)[1] >> 26)
}

/// The `k` experts of a word, written to `out`. Each is drawn uniformly; where an expert is already taken, the next free one is used.
pub fn experts(word: u32, experts: usize, k: usize, seed: u32, out: &mut Vec<usize>) {
    out.clear();
    for i in 0..k.min(experts) as u32 {
        let draw = pcg4d(word, i, Stream::Hash, seed)[0];
        let mut expert = ((u64::from(draw) * experts as u64) >> 32) as usize;
        while out.contains(&expert) {
            expert = (expert + 1) % experts;
        }
        out.push(expert);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_k_different_experts_and_keeps_them() {
        let (mut a, mut b) = (vec![], vec![]);
        for (e, k) in [(2, 2), (8, 3), (32, 32), (1000, 8)] {
            for word in 0..200 {
                experts(word, e, k, 5, &mut a);
                experts(word, e, k, 5, &mut b);
                assert_eq!(a, b);
                b.sort_unstable();
                b.dedup();
                assert!(b.len() == k && b.iter().all(|&x| x < e));
            }
        }
    }

    #[test]
    fn words_are_spread_evenly() {
        let (mut out, mut loads) = (vec![], [0u32; 16]);
        for word in 0..16_000 {
            experts(word, 16, 1, 5, &mut out);
            loads[out[0]] += 1;
        }
        assert!(loads.iter().all(|&l| (880..=1120).contains(&l)), "{loads:?}");
    }
}
