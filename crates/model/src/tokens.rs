//! Synthetic tokens: every token belongs to a topic, and topics have centres, a popularity and a slow drift.
//!
//! A token is `clamp(centre + noise·z)` in 32 int8 dimensions with z uniform over the values of a byte. It depends on (token, step, stream,
//! seed) alone, so any engine can make any token of any step at any time. Shader twin: `shaders/shared/tokens.wgsl`; the table of topics is
//! made here for both.

use super::random::{Stream, bytes32, pcg4d};
use crate::settings::{DIM, Synthetic};

/// One token's embedding, or a centroid or a topic centre.
pub type Embedding = [i8; DIM];

/// Half width of the uniform distribution of a topic centre's components.
const CENTRE_SPREAD: i32 = 90;
/// Half width of the uniform distribution of a centroid's components. At most 63, so that a SIMD `maddubs` cannot saturate.
const CENTROID_SPREAD: i32 = 63;
/// A noise setting of 1.0 as a Q8 factor: it scales the standard deviation of a byte (73.9) to that of a centre's component (52.2).
const NOISE_ONE: f64 = 256.0 * 52.2 / 73.9;
/// Weight of the most popular topic.
const WEIGHT_ONE: f64 = (1u32 << 24) as f64;

/// The topics of one step, which the host prepares and every engine reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Topics {
    /// `thresholds[k]` is the largest 32-bit draw that selects topic k. Thresholds never fall, and the last is `u32::MAX`.
    pub thresholds: Vec<u32>,
    /// The centre of each topic.
    pub centres: Vec<Embedding>,
}

/// The part of a token's random draw that is the same for all tokens of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenKey {
    /// Second word of the random counter.
    pub step: u32,
    /// Fourth word of the random counter.
    pub seed: u32,
    /// Consecutive tokens that share a topic.
    pub burst: u32,
    /// Factor of the noise byte, Q8.
    pub noise_q8: i32,
}

impl TokenKey {
    /// The key of a synthetic source at `step`.
    #[must_use]
    pub fn new(source: &Synthetic, seed: u32, step: u32) -> Self {
        Self { step, seed, burst: source.burst.max(1), noise_q8: libm::round(source.noise * NOISE_ONE) as i32 }
    }
}

impl Topics {
    /// The topics of a source after it has drifted by `phase` (Q32, in topic lifetimes).
    ///
    /// In one lifetime every centre moves to a new place, along an arc that keeps its length, and popularity shifts by one rank, so that
    /// the least popular topic becomes the most popular and every other one falls by a rank.
    #[must_use]
    pub fn new(source: &Synthetic, seed: u32, phase: u64) -> Self {
        let n = source.topics.max(1);
        let epoch = (phase >> 32) as u32;
        let fraction = (phase >> 16) & 0xffff;
        Self {
            thresholds: thresholds(n, source.skew, epoch, fraction),
            centres: (0..n).map(|k| centre(k, epoch, fraction, seed)).collect(),
        }
    }

    /// The topic that a 32-bit draw selects.
    #[must_use]
    pub fn of_draw(&self, draw: u32) -> usize {
        self.thresholds.partition_point(|&last| last < draw)
    }

    /// The topic of a token.
    #[must_use]
    pub fn of_token(&self, token: u32, key: &TokenKey) -> usize {
        self.of_draw(pcg4d(token / key.burst, key.step, Stream::Topic, key.seed)[0])
    }

    /// The embedding of a token and its topic.
    #[must_use]
    pub fn token(&self, token: u32, key: &TokenKey) -> (usize, Embedding) {
        let topic = self.of_token(token, key);
        let noise = bytes32(
            pcg4d(token, key.step, Stream::NoiseLow, key.seed),
            pcg4d(token, key.step, Stream::NoiseHigh, key.seed),
        );
        let centre = &self.centres[topic];
        let mut out = [0; DIM];
        for j in 0..DIM {
            let z = i32::from(noise[j] as i8);
            out[j] = i32::from(centre[j]).wrapping_add(key.noise_q8.wrapping_mul(z) >> 8).clamp(-127, 127) as i8;
        }
        (topic, out)
    }
}

/// The share of tokens that each topic gets, for display.
#[must_use]
pub fn shares(topics: &Topics) -> Vec<f64> {
    let mut before = 0.0;
    let share = |&t: &u32| {
        let upto = (f64::from(t) + 1.0) / 4_294_967_296.0;
        let share = upto - before;
        before = upto;
        share
    };
    topics.thresholds.iter().map(share).collect()
}

fn thresholds(n: u32, skew: f64, epoch: u32, fraction: u64) -> Vec<u32> {
    // The only power function that affects routing: libm's `pow`, rounded to an integer weight.
    let by_rank: Vec<u64> =
        (1..=n).map(|r| (libm::round(WEIGHT_ONE * libm::pow(f64::from(r), -skew)) as u64).max(1)).collect();
    let weight = |k: u32| {
        let rank = |shift: u32| by_rank[((u64::from(k) + u64::from(epoch) + u64::from(shift)) % u64::from(n)) as usize];
        rank(0) * (65_536 - fraction) + rank(1) * fraction
    };
    let total: u128 = (0..n).map(|k| u128::from(weight(k))).sum();
    let mut sum = 0u128;
    let mut out: Vec<u32> = (0..n)
        .map(|k| {
            sum += u128::from(weight(k));
            ((sum << 32) / total).saturating_sub(1).min(u128::from(u32::MAX)) as u32
        })
        .collect();
    if let Some(last) = out.last_mut() {
        *last = u32::MAX;
    }
    out
}

fn centre(topic: u32, epoch: u32, fraction: u64, seed: u32) -> Embedding {
    let from = uniform(topic, epoch, Stream::Centre, CENTRE_SPREAD, seed);
    if fraction == 0 {
        return from;
    }
    let to = uniform(topic, epoch.wrapping_add(1), Stream::Centre, CENTRE_SPREAD, seed);
    // Smoothstep in Q16, then weights whose squares add up to 1, so that the centre keeps its length (in expectation) on the way.
    let eased = (((fraction * fraction) >> 16) * (3 * 65_536 - 2 * fraction)) >> 16;
    let a = ((65_536 - eased) << 16).isqrt() as i64;
    let b = (eased << 16).isqrt() as i64;
    std::array::from_fn(|j| ((a * i64::from(from[j]) + b * i64::from(to[j]) + 32_768) >> 16).clamp(-127, 127) as i8)
}

/// The centroids of the first `experts` experts. A centroid does not depend on the number of experts, so variants with different expert
/// counts share logits.
#[must_use]
pub fn centroids(experts: u32, seed: u32) -> Vec<Embedding> {
    (0..experts).map(|e| uniform(e, 0, Stream::Centroid, CENTROID_SPREAD, seed)).collect()
}

fn uniform(index: u32, step: u32, stream: Stream, spread: i32, seed: u32) -> Embedding {
    let bytes = bytes32(pcg4d(index * 2, step, stream, seed), pcg4d(index * 2 + 1, step, stream, seed));
    bytes.map(|b| (((i32::from(b) * (2 * spread + 1)) >> 8) - spread) as i8)
}

/// The logit of a token at an expert, Q14: an exact integer dot product, at most 32·127·63 in size.
///
/// It uses wrapping operations, as does every loop over tokens and experts: overflow checks would prevent vectorisation.
#[must_use]
#[inline]
pub fn logit<T: Copy + Into<i32>>(token: &[T; DIM], centroid: &[T; DIM]) -> i32 {
    token.iter().zip(centroid).fold(0, |sum: i32, (&x, &c)| sum.wrapping_add(x.into().wrapping_mul(c.into())))
}

/// An embedding in 16-bit numbers, which SIMD multiplies fastest.
#[must_use]
#[inline]
pub fn widened(x: &Embedding) -> [i16; DIM] {
    x.map(i16::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skew_follows_zipf() {
        let source = Synthetic { topics: 8, skew: 1.0, ..Default::default() };
        let shares = shares(&Topics::new(&source, 1, 0));
        let harmonic: f64 = (1..=8).map(|r| 1.0 / f64::from(r)).sum();
        for (r, share) in shares.iter().enumerate() {
            assert!((share - 1.0 / (r as f64 + 1.0) / harmonic).abs() < 1e-6, "rank {r}: {share}");
        }
    }

    #[test]
    fn no_skew_is_uniform_and_every_draw_has_a_topic() {
        let source = Synthetic { topics: 7, skew: 0.0, ..Default::default() };
        let topics = Topics::new(&source, 1, 0);
        assert_eq!(topics.of_draw(0), 0);
        assert_eq!(topics.of_draw(u32::MAX), 6);
        for share in shares(&topics) {
            assert!((share - 1.0 / 7.0).abs() < 1e-8);
        }
    }

    #[test]
    fn drift_is_continuous_and_arrives() {
        let source = Synthetic { topics: 5, skew: 1.5, ..Default::default() };
        let mut last = Topics::new(&source, 9, 0);
        for i in 1..=64u64 {
            let next = Topics::new(&source, 9, i << 26);
            for (a, b) in last.centres.iter().flatten().zip(next.centres.iter().flatten()) {
                assert!((i32::from(*a) - i32::from(*b)).abs() <= 8, "a centre jumped");
            }
            last = next;
        }
        // After a whole lifetime, topic k has the rank that topic k+1 had.
        let (start, end) = (shares(&Topics::new(&source, 9, 0)), shares(&last));
        assert!((start[1] - end[0]).abs() < 1e-8);
        assert!((start[0] - end[4]).abs() < 1e-8);
    }

    #[test]
    fn bursts_share_a_topic() {
        let source = Synthetic { burst: 16, ..Default::default() };
        let topics = Topics::new(&source, 3, 0);
        let key = TokenKey::new(&source, 3, 5);
        for t in 0..256 {
            assert_eq!(topics.of_token(t, &key), topics.of_token(t / 16 * 16, &key));
        }
    }
}
