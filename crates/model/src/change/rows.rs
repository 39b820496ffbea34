//! The changes, made from the rows of the [table of settings](crate::settings::TABLE): what there is, what it is called in files, how it is applied,
//! and how it is taken back.

use super::Biases;
use super::value::{InWords, Swept, Value};
use crate::config::Variant;
use crate::settings::learning::{Auxiliary, Gating, Learning, Optimiser, World};
use crate::settings::table::every_setting;
use crate::settings::{Capacity, Gate, Groups, Rule, Schedule, Synthetic};
use serde::{Deserialize, Serialize};

macro_rules! changes {
    (
        source { $($(#[$sdoc:meta])* $S:ident($St:ty) $sf:ident: $sn:tt $(.$sm:ident($sv:expr))*;)* }
        world { $($(#[$wdoc:meta])* $W:ident($Wt:ty) $wf:ident: $wn:tt $(.$wm:ident($wv:expr))*;)* }
        variant { $($(#[$vdoc:meta])* $V:ident($Vt:ty) $part:ident.$vf:ident: $vn:tt $(.$vm:ident($vv:expr))*;)* }
        learning { $($(#[$ldoc:meta])* $L:ident($Lt:ty) $lf:ident: $ln:tt $(.$lm:ident($lv:expr))*;)* }
    ) => {
        /// One change of one setting.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub enum Change {
            $($(#[$sdoc])* $S($St),)*
            /// Repeat the first batch for ever (true) or draw a fresh one every step (false).
            SetFixed(bool),
            $($(#[$vdoc])* $V($Vt),)*
            /// Put every bias back to its start, and forget what the rule remembers.
            ResetBias,
            /// Give every expert this bias, and the rule this memory: what taking back [`Self::ResetBias`] sends.
            SetBias(Box<Biases>),
            /// A setting that only a world to learn from has.
            SetWorld(WorldChange),
            /// How a variant learns.
            SetLearning(LearningChange),
        }

        /// A change of a world. Batch, topics, skew, noise, drift and burst have the changes that synthetic tokens have.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        pub enum WorldChange {
            $($(#[$wdoc])* $W($Wt),)*
        }

        /// A change of how a variant learns.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        pub enum LearningChange {
            $($(#[$ldoc])* $L($Lt),)*
        }

        impl Change {
            /// The setting's name, as it is written in files. Two changes with the same name and target replace each other.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$S(_) => stringify!($sf),)*
                    Self::SetFixed(_) => "fixed",
                    $(Self::$V(_) => stringify!($vf),)*
                    Self::ResetBias | Self::SetBias(_) => "bias",
                    Self::SetWorld(change) => match change { $(WorldChange::$W(_) => stringify!($wf),)* },
                    Self::SetLearning(change) => match change { $(LearningChange::$L(_) => stringify!($lf),)* },
                }
            }

            /// The value as a person would write it.
            #[must_use]
            pub fn value(&self) -> String {
                match self {
                    $(Self::$S(x) => x.in_words(),)*
                    Self::SetFixed(on) => on.in_words(),
                    $(Self::$V(x) => x.in_words(),)*
                    Self::ResetBias => "start".into(),
                    Self::SetBias(_) => "as it was".into(),
                    Self::SetWorld(change) => match change { $(WorldChange::$W(x) => x.in_words(),)* },
                    Self::SetLearning(change) => match change { $(LearningChange::$L(x) => x.in_words(),)* },
                }
            }

            /// Whether it is a setting of the token source rather than of a variant.
            #[must_use]
            pub fn is_of_source(&self) -> bool {
                matches!(self, $(Self::$S(_))|* | Self::SetFixed(_) | Self::SetWorld(_))
            }

            /// The change that gives the setting of this key a value; `None` where there is no such setting of such values.
            #[must_use]
            pub(crate) fn swept(key: &str, value: Value) -> Option<Self> {
                $(if key == stringify!($sf) { return <$St>::of(value).map(Self::$S); })*
                $(if key == stringify!($vf) { return <$Vt>::of(value).map(Self::$V); })*
                $(if key == stringify!($lf) { return <$Lt>::of(value).map(|x| Self::SetLearning(LearningChange::$L(x))); })*
                None
            }

            /// The value that it gives, where such values can be swept.
            #[must_use]
            pub(crate) fn swept_value(&self) -> Option<Value> {
                match self {
                    $(Self::$S(x) => x.value(),)*
                    $(Self::$V(x) => x.value(),)*
                    Self::SetLearning(change) => match change { $(LearningChange::$L(x) => x.value(),)* },
                    _ => None,
                }
            }
        }

        impl Synthetic {
            /// Applies a change of the tokens; another change leaves them alone.
            pub(super) fn apply(&mut self, change: &Change) {
                match change {
                    $(Change::$S(x) => self.$sf = *x,)*
                    _ => {}
                }
            }

            /// The change that would bring the same setting back.
            pub(super) fn inverse(&self, change: &Change) -> Option<Change> {
                Some(match change {
                    $(Change::$S(_) => Change::$S(self.$sf),)*
                    _ => return None,
                })
            }
        }

        impl World {
            /// Applies a change of the token source. False where a world has no such setting.
            pub(super) fn apply(&mut self, change: &Change) -> bool {
                match change {
                    $(Change::$S(x) => self.$sf = *x,)*
                    Change::SetWorld(change) => match change { $(WorldChange::$W(x) => self.$wf = *x,)* },
                    _ => return false,
                }
                true
            }

            /// The change that would bring the same setting back.
            pub(super) fn inverse(&self, change: &Change) -> Option<Change> {
                Some(match change {
                    $(Change::$S(_) => Change::$S(self.$sf),)*
                    Change::SetWorld(change) => Change::SetWorld(match change {
                        $(WorldChange::$W(_) => WorldChange::$W(self.$wf),)*
                    }),
                    _ => return None,
                })
            }
        }

        impl Variant {
            /// Applies a change of a variant; another change leaves it alone.
            pub(super) fn apply(&mut self, change: &Change) {
                match change {
                    $(Change::$V(x) => self.$part.$vf = *x,)*
                    Change::SetLearning(change) => self.learning.apply(change),
                    _ => {}
                }
            }

            /// The change that would bring the same setting back.
            pub(super) fn inverse(&self, change: &Change) -> Option<Change> {
                Some(match change {
                    $(Change::$V(_) => Change::$V(self.$part.$vf),)*
                    Change::SetLearning(change) => Change::SetLearning(self.learning.inverse(change)),
                    _ => return None,
                })
            }
        }

        impl Learning {
            fn apply(&mut self, change: &LearningChange) {
                match change {
                    $(LearningChange::$L(x) => self.$lf = *x,)*
                }
            }

            fn inverse(&self, change: &LearningChange) -> LearningChange {
                match change {
                    $(LearningChange::$L(_) => LearningChange::$L(self.$lf),)*
                }
            }
        }
    };
}

every_setting!(changes);
