//! What things are called: the names of variants, and one table of what every setting and every value is called on screen.
//!
//! A variant's name is written by an author in a file, typed by a person, or made from its settings. A written name holds for the
//! settings that it was written for: once the rule, the step size or anything else of the variant is another, the automatic name
//! takes over, and the written one is kept as what the variant was called. A typed name stays until it is taken back.

mod automatic;
mod settings;
mod terms;

pub use automatic::automatic;
pub use settings::{Setting, caption, caption_of_tokens, settings};
pub(crate) use terms::on_off;
pub use terms::{TERMS, Term, capitalised, number, path_in_words, term};

use super::config::{Balancer, Router, Variant};
use super::learn::settings::Learning;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Deref;

/// The longest name, in characters.
pub const LONGEST: usize = 80;

/// What a variant is called. It reads as the name that holds now; [`settle`] keeps it so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Name {
    typed: Option<String>,
    written: Option<Written>,
    shown: String,
}

/// A name from a file.
#[derive(Clone, Debug, PartialEq)]
struct Written {
    text: String,
    /// The settings that it was written for; not known before the name is settled for the first time.
    of: Option<Box<(Router, Balancer, Learning)>>,
}

impl Name {
    /// A name that stays whatever is changed.
    #[must_use]
    pub fn kept(text: &str) -> Self {
        Self { typed: Some(text.to_owned()), written: None, shown: text.to_owned() }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The name that a person has typed, if any.
    #[must_use]
    pub fn typed(&self) -> Option<&str> {
        self.typed.as_deref()
    }

    /// The name from a file, while it holds.
    #[must_use]
    pub fn written(&self) -> Option<&str> {
        self.written.as_ref().map(|w| w.text.as_str()).filter(|w| self.typed.is_none() && *w == self.shown)
    }

    /// The name from a file that no longer holds, since a setting is another.
    #[must_use]
    pub fn was(&self) -> Option<&str> {
        self.written.as_ref().map(|w| w.text.as_str()).filter(|w| self.typed.is_none() && *w != self.shown)
    }

    /// Takes a name that a person types; `None`, or one of blanks alone, lets it follow the settings again.
    pub fn type_in(&mut self, text: Option<&str>) {
        self.typed = text.map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    }

    /// Characters of the longest text in it.
    #[must_use]
    pub fn longest(&self) -> usize {
        let written = self.written.as_ref().map(|w| w.text.as_str());
        self.typed.as_deref().into_iter().chain(written).map(|t| t.chars().count()).max().unwrap_or(0)
    }

    fn holds(&self, v: &Variant) -> bool {
        let of = self.written.as_ref().and_then(|w| w.of.as_deref());
        of.is_some_and(|(router, balancer, learning)| {
            *router == v.router && *balancer == v.balancer && *learning == v.learning
        })
    }
}

/// Works out every name anew: to be called whenever settings have changed or variants have come or gone.
pub fn settle(variants: &mut [Variant]) {
    for v in variants.iter_mut() {
        let settings = || Box::new((v.router.clone(), v.balancer.clone(), v.learning.clone()));
        if let Some(written) = v.name.written.as_mut().filter(|w| w.of.is_none()) {
            written.of = Some(settings());
        }
    }
    let given: Vec<Option<String>> = variants.iter().map(given).collect();
    let made = automatic(variants);
    let mut taken: Vec<String> = given.iter().flatten().cloned().collect();
    for ((v, given), made) in variants.iter_mut().zip(given).zip(made) {
        v.name.shown = given.unwrap_or_else(|| {
            let numbered = (1..).map(|n| if n == 1 { made.clone() } else { format!("{made} ({n})") });
            let free = numbered.into_iter().find(|n| !taken.contains(n)).unwrap_or_default();
            taken.push(free.clone());
            free
        });
    }
}

/// The name that somebody gave a variant, if it holds.
fn given(v: &Variant) -> Option<String> {
    let written = || v.name.written.as_ref().filter(|_| v.name.holds(v)).map(|w| w.text.clone());
    v.name.typed.clone().or_else(written)
}

/// What a run starts from has names that hold: one that does not, or that a person has typed over, is let go of, as a file says no more.
pub fn settle_start(variants: &mut [Variant]) {
    settle(variants);
    for v in variants.iter_mut() {
        if v.name.typed.is_some() || v.name.was().is_some() {
            v.name.written = None;
        }
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        if text.trim().is_empty() {
            return Self::default();
        }
        Self { typed: None, shown: text.clone(), written: Some(Written { text, of: None }) }
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.shown
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.shown)
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.shown == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.shown == *other
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests;
