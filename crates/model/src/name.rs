//! What a variant is called.

use crate::settings::learning::Learning;
use crate::settings::{Balancer, Router};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Deref;

/// The longest name, in characters.
pub const LONGEST: usize = 80;

/// What a variant is called. It reads as the name that holds now; [`settle`](crate::naming::settle) keeps it so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Name {
    pub(crate) typed: Option<String>,
    pub(crate) written: Option<Written>,
    pub(crate) shown: String,
}

/// A name from a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Written {
    pub(crate) text: String,
    /// The settings that it was written for; not known before the name is settled for the first time.
    pub(crate) of: Option<Box<(Router, Balancer, Learning)>>,
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
