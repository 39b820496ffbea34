//! What things are called: the names of variants, and one table of what every setting and every value is called on screen.
//!
//! A variant's name is written by an author in a file, typed by a person, or made from its settings. A written name holds for the
//! settings that it was written for: once the rule, the step size or anything else of the variant is another, the automatic name
//! takes over, and the written one is kept as what the variant was called. A typed name stays until it is taken back.

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
    // Variants that are alike are counted whether or not a person has typed a name for one, so that the others keep their numbers.
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

/// The name that somebody gave a variant, if it holds.
fn given(v: &Variant) -> Option<String> {
    let written = || v.name.written.as_ref().filter(|_| holds(v)).map(|w| w.text.clone());
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

/// Whether the name from a file was written for the settings that the variant has.
fn holds(v: &Variant) -> bool {
    let of = v.name.written.as_ref().and_then(|w| w.of.as_deref());
    of.is_some_and(|(router, balancer, learning)| {
        *router == v.router && *balancer == v.balancer && *learning == v.learning
    })
}

impl Experiment {
    /// Takes the name that a person types for a variant; `None` lets it follow the settings again.
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
