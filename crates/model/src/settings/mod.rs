//! The settings: plain data with their limits. [`config`](crate::config) makes experiments of them.

mod balancer;
pub mod learning;
pub mod limits;
pub mod reading;
mod router;
pub(crate) mod table;

pub use balancer::{Balancer, Rule, Schedule};
pub use router::{Capacity, Gate, Groups, Router, Stays};
pub use table::{TABLE, Term};

use serde::{Deserialize, Serialize};

/// Dimensions of a token and of a centroid.
pub const DIM: usize = 32;

/// A source of synthetic tokens, each of which belongs to a topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Synthetic {
    /// Tokens per batch, T.
    pub batch: u32,
    /// Number of topics.
    pub topics: u32,
    /// Zipf exponent of topic popularity; 0 makes all topics equally popular.
    pub skew: f64,
    /// Spread of tokens around their topic's centre, relative to the spread of the centres.
    pub noise: f64,
    /// Drift of the topics per thousand steps, in topic lifetimes.
    pub drift: f64,
    /// Number of consecutive tokens that share a topic.
    pub burst: u32,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self { batch: 4096, topics: 32, skew: 1.1, noise: 0.8, drift: 0.0, burst: 1 }
    }
}

/// Which recording to route or to show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceSource {
    /// A path relative to the scenario file, or `builtin:NAME` for a trace that ships with Moebias.
    pub file: String,
    /// The name of the layer, where the file holds several layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// How the file is read: what it does not say itself, and what is left out.
    #[serde(default, skip_serializing_if = "is_plain")]
    pub reading: Box<reading::Reading>,
}

#[allow(clippy::borrowed_box)]
fn is_plain(reading: &Box<reading::Reading>) -> bool {
    reading.is_plain()
}

/// The allowed range of one setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The setting's name in files and messages.
    pub name: &'static str,
    /// Smallest allowed value.
    pub min: f64,
    /// Largest allowed value.
    pub max: f64,
}

/// A setting with a value that is not allowed. Its message names the setting, the value and what is allowed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{setting} is {value}, but must be {allowed}")]
pub struct ConfigError {
    /// Path of the setting, for example `variants[0].router.top_k`.
    pub setting: String,
    /// The value found.
    pub value: String,
    /// The allowed range or set, in words.
    pub allowed: String,
}

impl Limits {
    /// The largest value as an integer.
    #[must_use]
    pub fn max_u32(&self) -> u32 {
        self.max as u32
    }

    /// Checks a value; NaN and infinities are never allowed. `path` is the path of what contains the setting.
    ///
    /// # Errors
    /// Names the setting, the value and the range.
    pub fn check(&self, path: &str, value: f64) -> Result<(), ConfigError> {
        if value.is_finite() && value >= self.min && value <= self.max {
            return Ok(());
        }
        let place = if path.is_empty() { self.name.to_owned() } else { format!("{path}.{}", self.name) };
        Err(ConfigError {
            setting: place,
            value: value.to_string(),
            allowed: format!("from {} to {}", self.min, self.max),
        })
    }
}

impl Synthetic {
    /// Checks every setting.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn validate(&self, path: &str) -> Result<(), ConfigError> {
        limits::BATCH.check(path, f64::from(self.batch))?;
        limits::TOPICS.check(path, f64::from(self.topics))?;
        limits::SKEW.check(path, self.skew)?;
        limits::NOISE.check(path, self.noise)?;
        limits::DRIFT.check(path, self.drift)?;
        limits::BURST.check(path, f64::from(self.burst))
    }
}
