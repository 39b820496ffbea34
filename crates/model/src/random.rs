//! Counter-based random numbers: the same four input words give the same four output words on every engine.
//!
//! The permutation is pcg4d of Jarzynski and Olano, "Hash Functions for GPU Rendering" (JCGT 9(3), 2020). Shader twin:
//! `shaders/shared/random.wgsl`.

/// What a random number is used for. It is the third word of the counter, so that numbers of different streams are unrelated.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub enum Stream {
    /// Noise bytes 0–15 of a token.
    NoiseLow = 0,
    /// Noise bytes 16–31 of a token.
    NoiseHigh = 1,
    /// The topic of a token, or of a burst of tokens.
    Topic = 2,
    /// The centre of a topic.
    Centre = 3,
    /// The centroid of an expert.
    Centroid = 4,
    /// The experts of a word under hash routing.
    Hash = 6,
    /// Centres and maps of the domains of a world to learn from ([`crate::learn::world`]).
    Domain = 32,
    /// Centres and maps of the topics of a world to learn from.
    Lesson = 33,
    /// Training tokens and targets of a world to learn from.
    Example = 34,
    /// Held-out tokens and targets, which no step trains on.
    HeldOut = 35,
    /// Initial centroids of a router that learns.
    UntrainedCentroid = 36,
    /// Initial parameters of experts that learn.
    UntrainedExpert = 37,
}

/// Four random words from (index, step, stream, seed).
#[must_use]
pub fn pcg4d(index: u32, step: u32, stream: Stream, seed: u32) -> [u32; 4] {
    let mut v = [index, step, stream as u32, seed].map(|x| x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    stir(&mut v);
    for x in &mut v {
        *x ^= *x >> 16;
    }
    stir(&mut v);
    v
}

fn stir(v: &mut [u32; 4]) {
    v[0] = v[0].wrapping_add(v[1].wrapping_mul(v[3]));
    v[1] = v[1].wrapping_add(v[2].wrapping_mul(v[0]));
    v[2] = v[2].wrapping_add(v[0].wrapping_mul(v[1]));
    v[3] = v[3].wrapping_add(v[1].wrapping_mul(v[2]));
}

/// Thirty-two bytes from eight words, the low byte of the first word first.
#[must_use]
pub fn bytes32(low: [u32; 4], high: [u32; 4]) -> [u8; 32] {
    let mut out = [0; 32];
    for (word, bytes) in low.into_iter().chain(high).zip(out.chunks_exact_mut(4)) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_pinned() {
        // A change here changes every recording ever made.
        assert_eq!(pcg4d(1, 2, Stream::Topic, 3), [1_564_958_277, 1_979_742_068, 2_724_524_151, 4_066_287_805]);
    }

    #[test]
    fn bytes_are_uniform_enough() {
        let mut counts = [0u32; 256];
        for i in 0..8192 {
            for b in bytes32(pcg4d(i, 7, Stream::NoiseLow, 1), pcg4d(i, 7, Stream::NoiseHigh, 1)) {
                counts[usize::from(b)] += 1;
            }
        }
        let expected = 8192.0 * 32.0 / 256.0;
        let chi2: f64 = counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
        assert!(chi2 < 350.0, "chi² of 255 degrees of freedom: {chi2}");
    }
}
