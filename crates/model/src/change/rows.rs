//! The changes, generated from the rows of the [table of settings](crate::settings::TABLE): what changes there are, their names in files,
//! how each is applied and how it is undone.

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
            /// Repeat the first batch for ever (true), or draw a fresh one at every step (false).
            SetFixed(bool),
            $($(#[$vdoc])* $V($Vt),)*
            /// Reset every bias to its start, and clear the rule's memory.
            ResetBias,
            /// Set these biases and this memory; this is what undoing [`Self::ResetBias`] sends.
            SetBias(Box<Biases>),
            /// Change a setting that only a world to learn from has.
            SetWorld(WorldChange),
            /// Change how a variant learns.
            SetLearning(LearningChange),
        }

        /// A change of a setting that only a world has. Batch, topics, skew, noise, drift and burst use the changes of synthetic tokens.
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
            /// The setting's key in files. Of two changes with the same name and target, the later replaces the earlier.
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

            /// The value in words.
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

            /// Whether the setting belongs to the token source rather than to a variant.
            #[must_use]
            pub fn is_of_source(&self) -> bool {
                matches!(self, $(Self::$S(_))|* | Self::SetFixed(_) | Self::SetWorld(_))
            }

            /// The change that sets the setting with this key to a value; `None` where no setting with this key takes such a value.
            #[must_use]
            pub(crate) fn swept(key: &str, value: Value) -> Option<Self> {
                $(if key == stringify!($sf) { return <$St>::of(value).map(Self::$S); })*
                $(if key == stringify!($vf) { return <$Vt>::of(value).map(Self::$V); })*
                $(if key == stringify!($lf) { return <$Lt>::of(value).map(|x| Self::SetLearning(LearningChange::$L(x))); })*
                None
            }

            /// The value that the change sets, where a sweep can set such values.
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
            /// Applies a change of synthetic tokens; ignores any other change.
            pub(super) fn apply(&mut self, change: &Change) {
                match change {
                    $(Change::$S(x) => self.$sf = *x,)*
                    _ => {}
                }
            }

            /// The change that would set the same setting to its present value.
            pub(super) fn inverse(&self, change: &Change) -> Option<Change> {
                Some(match change {
                    $(Change::$S(_) => Change::$S(self.$sf),)*
                    _ => return None,
                })
            }
        }

        impl World {
            /// Applies a change of the token source. Returns false where a world has no such setting.
            pub(super) fn apply(&mut self, change: &Change) -> bool {
                match change {
                    $(Change::$S(x) => self.$sf = *x,)*
                    Change::SetWorld(change) => match change { $(WorldChange::$W(x) => self.$wf = *x,)* },
                    _ => return false,
                }
                true
            }

            /// The change that would set the same setting to its present value.
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
            /// Applies a change of a variant; ignores any other change.
            pub(super) fn apply(&mut self, change: &Change) {
                match change {
                    $(Change::$V(x) => self.$part.$vf = *x,)*
                    Change::SetLearning(change) => self.learning.apply(change),
                    _ => {}
                }
            }

            /// The change that would set the same setting to its present value.
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
