//! The running digest: one 64-bit number that two runs share, up to chance, only if every load and bias so far agreed.
//!
//! It mixes 64-bit words by multiply and rotate, with the SplitMix64 finaliser (Steele, Lea and Flood, OOPSLA 2014). It detects differences
//! between engines and machines; it does not protect against forgery.

use std::fmt;

/// A running digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0x4d6f_6562_6961_7300)
    }
}

impl Digest {
    /// Mixes in one word.
    pub fn word(&mut self, word: u64) {
        let mut z = self.0.rotate_left(23) ^ word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.0 = z ^ (z >> 31);
    }

    /// Mixes in one step's loads and the biases after its update.
    pub fn step(&mut self, loads: &[u32], bias: &[i64]) {
        for (&load, &b) in loads.iter().zip(bias) {
            self.word(u64::from(load));
            self.word(b as u64);
        }
    }

    /// The digest as a number.
    #[must_use]
    pub fn value(self) -> u64 {
        self.0
    }

    /// The digest with this value, as stored in a file.
    #[must_use]
    pub fn from_value(value: u64) -> Self {
        Self(value)
    }

    /// Reads a digest from exactly sixteen hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // `from_str_radix` would accept a sign too.
        let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        digits.then(|| u64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_digits_and_nothing_else() {
        let digest = Digest::from_value(0x0123_4567_89ab_cdef);
        assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        for wrong in
            ["", "0123456789abcde", "+123456789abcdef", "-123456789abcdef", "0123456789abcdeg", " 123456789abcdef"]
        {
            assert_eq!(Digest::parse(wrong), None, "{wrong:?}");
        }
    }
}
