//! The name of a variant.

use crate::settings::learning::Learning;
use crate::settings::{Balancer, Router};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Deref;

/// The longest allowed name, in characters.
pub const LONGEST: usize = 80;

/// The name of a variant. It dereferences to the name now in use, which [`settle`](crate::naming::settle) keeps up to date.
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
    /// The settings that the name was written for; unknown until the name is settled for the first time.
    pub(crate) of: Option<Box<(Router, Balancer, Learning)>>,
}

impl Name {
    /// A name that stays whatever settings change.
    #[must_use]
    pub fn kept(text: &str) -> Self {
        Self { typed: Some(text.to_owned()), written: None, shown: text.to_owned() }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The name that a person typed, if any.
    #[must_use]
    pub fn typed(&self) -> Option<&str> {
        self.typed.as_deref()
    }

    /// The name from a file, while it is in use.
    #[must_use]
    pub fn written(&self) -> Option<&str> {
        self.written.as_ref().map(|w| w.text.as_str()).filter(|w| self.typed.is_none() && *w == self.shown)
    }

    /// The name from a file that is no longer in use because a setting has changed.
    #[must_use]
    pub fn was(&self) -> Option<&str> {
        self.written.as_ref().map(|w| w.text.as_str()).filter(|w| self.typed.is_none() && *w != self.shown)
    }

    /// Sets the name that a person typed. `None`, or blanks alone, lets the name follow the settings again.
    pub fn type_in(&mut self, text: Option<&str>) {
        self.typed = text.map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    }

    /// Length in characters of the longest text stored in the name.
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
