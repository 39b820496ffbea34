//! Names of variants, and the settings of a variant in words.
//!
//! A variant's name is written by an author in a file, typed by a person, or made from its settings. A name from a file holds for the
//! settings that it was written for: once the rule, the step size or any other setting of the variant changes, the automatic name takes its
//! place, and the name from the file is kept as the former one. A typed name stays until it is removed.

mod automatic;
mod settings;

pub use crate::name::{LONGEST, Name};
pub use crate::settings::Term;
pub use crate::terms::terms;
pub use crate::terms::{capitalised, number, path_in_words, term};
pub use automatic::automatic;
pub use settings::{Setting, caption, caption_but, caption_of_tokens, caption_of_tokens_but, settings};

use crate::config::{Experiment, Variant};
use std::collections::HashMap;

/// Computes every name again. Call it whenever settings have changed or variants were added or removed.
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
    // Variants with the same automatic name are counted whether or not a name was typed for one of them, so that the others keep their
    // numbers.
    let mut alike: HashMap<String, usize> = HashMap::new();
    for ((v, given), made) in variants.iter_mut().zip(given).zip(made) {
        let counted = !holds(v);
        let from =
            *alike.entry(made.clone()).and_modify(|n| *n += usize::from(counted)).or_insert(usize::from(counted));
        v.name.shown = given.unwrap_or_else(|| {
            let numbered = (from.max(1)..).map(|n| if n == 1 { made.clone() } else { format!("{made} ({n})") });
            let free = numbered.into_iter().find(|n| !taken.contains(n)).unwrap_or_default();
            taken.push(free.clone());
            free
        });
    }
}

/// The typed name of a variant, or else the one from a file if it still holds.
fn given(v: &Variant) -> Option<String> {
    let written = || v.name.written.as_ref().filter(|_| holds(v)).map(|w| w.text.clone());
    v.name.typed.clone().or_else(written)
}

/// As [`settle`], for variants that a run starts from: also discards names from a file that are not in use. Files store only the name in
/// use, so the run starts with the same names when it is opened from one.
pub fn settle_start(variants: &mut [Variant]) {
    settle(variants);
    for v in variants.iter_mut() {
        if v.name.typed.is_some() || v.name.was().is_some() {
            v.name.written = None;
        }
    }
}

/// Whether the name from a file was written for the variant's present settings.
fn holds(v: &Variant) -> bool {
    let of = v.name.written.as_ref().and_then(|w| w.of.as_deref());
    of.is_some_and(|(router, balancer, learning)| {
        *router == v.router && *balancer == v.balancer && *learning == v.learning
    })
}

impl Experiment {
    /// Sets the name that a person typed for a variant; `None` lets it follow the settings again.
    pub fn rename(&mut self, variant: usize, name: Option<&str>) {
        settle(&mut self.variants);
        if let Some(v) = self.variants.get_mut(variant) {
            v.name.type_in(name);
        }
        settle(&mut self.variants);
    }
}

#[cfg(test)]
mod tests;
