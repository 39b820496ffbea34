//! The parameters of one variant's layer and the state of its optimiser. They are part of a run's state, so checkpoints and recordings
//! contain them.
//!
//! All parameters are in one list: centroids [E][DIM], experts [E][OUT][DIM], shared expert [OUT][DIM]. Files write each list as the
//! hexadecimal digits of its floats' bits, eight per number, so that a start state is restored exactly.

use super::OUT;
use super::world::untrained;
use crate::random::Stream;
use crate::settings::DIM;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::VecDeque;
use std::sync::Arc;

/// Standard deviation of the coordinates of untrained centroids.
const CENTROID_SCALE: f32 = 0.1;
/// Standard deviation of the entries of untrained experts, times √DIM.
const EXPERT_SCALE: f32 = 0.1;

/// A linear map from embedding to target, with a row per coordinate of the target.
pub type Map = [[f32; DIM]; OUT];

/// What one variant has learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learned {
    /// Updates since the optimiser's state was reset.
    pub updates: u64,
    /// Parameters: centroids, experts, shared expert.
    #[serde(with = "bits")]
    pub parameters: Vec<f32>,
    /// The optimiser's first moments.
    #[serde(with = "bits")]
    pub first: Vec<f32>,
    /// The optimiser's second moments; all 0 for SGD.
    #[serde(with = "bits")]
    pub second: Vec<f32>,
    /// Loads of the last batches, oldest first, for the global-batch loss.
    pub recent: VecDeque<Vec<u32>>,
}

/// Number of parameters of a layer with this many experts.
#[must_use]
pub const fn length(experts: usize) -> usize {
    experts * DIM + experts * DIM * OUT + DIM * OUT
}

/// The centroids in a list of parameters or gradients.
#[must_use]
pub fn centroids(all: &[f32], experts: usize) -> &[[f32; DIM]] {
    all[..experts * DIM].as_chunks().0
}

/// The experts' maps in a list of parameters or gradients.
#[must_use]
pub fn maps(all: &[f32], experts: usize) -> &[Map] {
    all[experts * DIM..experts * DIM * (1 + OUT)].as_chunks::<DIM>().0.as_chunks().0
}

/// The shared expert's map in a list of parameters or gradients, as a slice of one.
#[must_use]
pub fn shared(all: &[f32], experts: usize) -> &[Map] {
    all[experts * DIM * (1 + OUT)..].as_chunks::<DIM>().0.as_chunks().0
}

/// Mutable centroids, experts' maps and shared map.
pub fn split_mut(all: &mut [f32], experts: usize) -> (&mut [[f32; DIM]], &mut [Map], &mut [Map]) {
    let (c, rest) = all.split_at_mut(experts * DIM);
    let (w, s) = rest.split_at_mut(experts * DIM * OUT);
    let maps = |list| <[f32]>::as_chunks_mut::<DIM>(list).0.as_chunks_mut::<OUT>().0;
    (c.as_chunks_mut().0, maps(w), maps(s))
}

impl Learned {
    /// An untrained layer: small random centroids and experts, and a shared expert of zeros.
    #[must_use]
    pub fn untrained(experts: usize, seed: u32) -> Self {
        let mut parameters = Vec::with_capacity(length(experts));
        parameters.extend(untrained(experts, CENTROID_SCALE, Stream::UntrainedCentroid, seed));
        let scale = EXPERT_SCALE / (DIM as f32).sqrt();
        parameters.extend(untrained(experts * OUT, scale, Stream::UntrainedExpert, seed));
        parameters.resize(length(experts), 0.0);
        let zeros = vec![0.0; length(experts)];
        Self { updates: 0, parameters, first: zeros.clone(), second: zeros, recent: VecDeque::new() }
    }

    /// Resets the optimiser's state.
    pub fn forget(&mut self) {
        self.updates = 0;
        self.first.fill(0.0);
        self.second.fill(0.0);
    }

    /// Whether the lists have the shape for this many experts and all numbers are finite.
    #[must_use]
    pub fn fits(&self, experts: usize) -> bool {
        let lists = [&self.parameters, &self.first, &self.second];
        lists.iter().all(|l| l.len() == length(experts) && l.iter().all(|x| x.is_finite()))
            && self.recent.len() <= super::settings::limits::BATCHES.max as usize
            && self.recent.iter().all(|l| l.len() == experts)
    }

    /// Size in memory, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        4 * (3 * self.parameters.len() + self.recent.iter().map(Vec::len).sum::<usize>())
    }
}

/// Writes and reads floats as the hexadecimal digits of their bits.
mod bits {
    use super::{Deserialize, Deserializer, Serializer};
    use serde::de::Error;
    use std::fmt::Write;

    pub(super) fn serialize<S: Serializer>(all: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(8 * all.len());
        for x in all {
            // Writing to a string cannot fail.
            write!(text, "{:08x}", x.to_bits()).ok();
        }
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom("expected the bits of floats, eight hexadecimal digits each");
        let (digits, []) = text.as_bytes().as_chunks::<8>() else { return Err(wrong()) };
        let number = |d: &[u8; 8]| {
            let plain = d.iter().all(u8::is_ascii_hexdigit);
            std::str::from_utf8(d).ok().filter(|_| plain).and_then(|d| u32::from_str_radix(d, 16).ok())
        };
        digits.iter().map(|d| number(d).map(f32::from_bits).ok_or_else(wrong)).collect()
    }
}

/// Reads and writes an `Option<Arc<Learned>>`.
pub mod optional {
    use super::{Arc, Deserialize, Deserializer, Learned, Serialize, Serializer};

    /// Writes the value as an `Option<Learned>`.
    ///
    /// # Errors
    /// Those of the serialiser.
    pub fn serialize<S: Serializer>(learned: &Option<Arc<Learned>>, serializer: S) -> Result<S::Ok, S::Error> {
        learned.as_deref().serialize(serializer)
    }

    /// Reads the value from an `Option<Learned>`.
    ///
    /// # Errors
    /// Those of the deserialiser.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Arc<Learned>>, D::Error> {
        Ok(Option::<Learned>::deserialize(deserializer)?.map(Arc::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_hold_every_bit() {
        let mut learned = Learned::untrained(3, 9);
        learned.updates = 12;
        learned.first[5] = f32::MIN_POSITIVE / 4.0;
        learned.second[7] = -0.0;
        learned.recent.push_back(vec![1, 2, 3]);
        let text = serde_json::to_string(&learned).unwrap();
        let again: Learned = serde_json::from_str(&text).unwrap();
        let all = |l: &Learned| {
            [&l.parameters, &l.first, &l.second].map(|x| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>())
        };
        assert_eq!(all(&learned), all(&again));
        assert_eq!((again.updates, again.recent), (12, learned.recent));
    }

    #[test]
    fn broken_digits_are_refused() {
        let good = serde_json::to_string(&Learned::untrained(2, 1)).unwrap();
        let at = good.find("parameters").unwrap() + 14;
        for (from, to) in [(at, "+"), (at, "g"), (at, "0\"")] {
            let mut bad = good.clone();
            bad.replace_range(from..=from, to);
            assert!(serde_json::from_str::<Learned>(&bad).is_err(), "{to}");
        }
        let mut wild = Learned::untrained(2, 1);
        assert!(wild.fits(2) && !wild.fits(3));
        wild.first[0] = f32::NAN;
        assert!(!wild.fits(2));
    }

    #[test]
    fn every_number_is_in_one_part() {
        let mut all: Vec<f32> = (0..length(3)).map(|i| i as f32).collect();
        let (c, w, s) = (centroids(&all, 3).len(), maps(&all, 3).len(), shared(&all, 3).len());
        assert_eq!((c * DIM + (w + s) * DIM * OUT, c, w), (all.len(), 3, 3));
        assert_eq!(maps(&all, 3)[0][0][0], (3 * DIM) as f32);
        let (c, w, s) = split_mut(&mut all, 3);
        assert_eq!((c.len(), w.len(), s.len()), (3, 3, 1));
    }
}
