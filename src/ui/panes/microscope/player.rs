//! The position of the picture within a step, and how it moves: from 0 to 6, where stage i takes the range from i to i + 1.

use std::time::Duration;

/// The stages of a step, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::EnumIter, strum::EnumCount)]
pub enum Stage {
    /// The scores of the tokens.
    Scores,
    /// With the bias of each expert.
    Biased,
    /// The chosen experts.
    Choice,
    /// The number of tokens of each expert.
    Counts,
    /// The difference between that number and the fair load.
    Error,
    /// The bias for the next step.
    Update,
}

/// The end of the last stage.
pub const END: f32 = 6.0;
/// The duration of a stage at speed 1.
const STAGE: Duration = Duration::from_millis(1800);
/// The pause after a stage.
const HOLD: f32 = 0.7;
/// The duration of a move to a stage that the user chose, in seconds; shorter for less than one stage.
const BY_HAND: f32 = 0.9;

/// What the player asks of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Compute the next step.
    Next,
    /// Show the previous step.
    Previous,
}

/// The position and where it is going.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Player {
    place: f32,
    target: f32,
    /// Stages per second on the way to the target.
    pace: f32,
    playing: bool,
    /// Seconds left of the pause.
    hold: f32,
    /// The speed; 1 is normal.
    pub speed: f32,
}

impl Default for Player {
    fn default() -> Self {
        Self { place: END, target: END, pace: 1.0, playing: false, hold: 0.0, speed: 1.0 }
    }
}

impl Player {
    /// The position, from 0 to 6.
    #[must_use]
    pub fn place(&self) -> f32 {
        self.place
    }

    /// The progress of a stage from 0 to 1, eased at both ends.
    #[must_use]
    pub fn done(&self, stage: Stage) -> f32 {
        let t = (self.place - stage as usize as f32).clamp(0.0, 1.0);
        t * t * (3.0 - 2.0 * t)
    }

    /// As [`Self::done`], but linear, for movements that have their own easing.
    #[must_use]
    pub fn part(&self, stage: Stage) -> f32 {
        (self.place - stage as usize as f32).clamp(0.0, 1.0)
    }

    /// The stage that is shown: the one in progress, or else the last one that is complete.
    #[must_use]
    pub fn stage(&self) -> Stage {
        let all = [Stage::Scores, Stage::Biased, Stage::Choice, Stage::Counts, Stage::Error, Stage::Update];
        all[(self.place.ceil() as usize).saturating_sub(1).min(5)]
    }

    /// Whether the stages are playing.
    #[must_use]
    pub fn playing(&self) -> bool {
        self.playing
    }

    /// Whether the picture is about to change.
    #[must_use]
    pub fn moves(&self) -> bool {
        self.playing || self.place != self.target
    }

    /// Starts playing from here, or from the start if the position is at the end; or stops.
    pub fn toggle(&mut self) {
        self.playing = !self.playing;
        self.hold = 0.0;
        if self.playing && self.place >= END {
            self.place = 0.0;
        }
        self.target = self.place;
    }

    /// Stops.
    pub fn stop(&mut self) {
        self.playing = false;
        self.target = self.place;
    }

    /// Jumps to a position, as a slider does.
    pub fn scrub(&mut self, place: f32) {
        self.place = place.clamp(0.0, END);
        self.stop();
    }

    /// Moves to the end of a stage.
    pub fn go(&mut self, stage: Stage) {
        self.playing = false;
        self.head_for(stage as usize as f32 + 1.0);
    }

    /// Moves to the next stage, or into the next step.
    pub fn forward(&mut self) -> Option<Wish> {
        self.playing = false;
        let from = if self.place < self.target { self.target } else { self.place };
        if from >= END {
            return Some(self.next_step());
        }
        self.head_for((from + 0.001).floor() + 1.0);
        None
    }

    /// Moves to the previous stage, or into the previous step.
    pub fn back(&mut self) -> Option<Wish> {
        self.playing = false;
        let from = if self.place > self.target { self.target } else { self.place };
        if from <= 1.0 {
            (self.place, self.target) = (END, END);
            return Some(Wish::Previous);
        }
        self.head_for((from - 0.001).ceil() - 1.0);
        None
    }

    /// Moves into the next step, at the beginning of its first stage.
    pub fn next_step(&mut self) -> Wish {
        self.place = 0.0;
        self.hold = 0.0;
        self.head_for(if self.playing { 0.0 } else { 1.0 });
        Wish::Next
    }

    fn head_for(&mut self, target: f32) {
        self.target = target.clamp(0.0, END);
        self.pace = (self.target - self.place).abs().max(1.0) / BY_HAND;
    }

    /// Advances by this many seconds.
    pub fn tick(&mut self, seconds: f32) -> Option<Wish> {
        if !self.playing {
            let way = self.target - self.place;
            self.place += way.clamp(-self.pace * seconds, self.pace * seconds);
            return None;
        }
        let seconds = seconds * self.speed;
        if self.hold > 0.0 {
            self.hold -= seconds;
            return (self.hold <= 0.0 && self.place >= END).then(|| self.next_step());
        }
        let end = (self.place + 0.001).floor() + 1.0;
        self.place = (self.place + seconds / STAGE.as_secs_f32()).min(end).min(END);
        if self.place >= end.min(END) {
            self.hold = HOLD;
        }
        self.target = self.place;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand_forwards_and_backwards() {
        let mut p = Player::default();
        assert_eq!((p.stage(), p.moves()), (Stage::Update, false));
        assert_eq!(p.forward(), Some(Wish::Next));
        (0..40).for_each(|_| assert_eq!(p.tick(0.05), None));
        assert_eq!((p.place(), p.stage(), p.moves()), (1.0, Stage::Scores, false));
        assert_eq!((p.forward(), p.forward()), (None, None), "two presses are two stages");
        (0..60).for_each(|_| assert_eq!(p.tick(0.05), None));
        assert_eq!((p.place(), p.stage()), (3.0, Stage::Choice));
        assert_eq!((p.back(), p.back()), (None, None));
        (0..60).for_each(|_| assert_eq!(p.tick(0.05), None));
        assert_eq!((p.place(), p.back()), (1.0, Some(Wish::Previous)));
        assert_eq!(p.place(), END, "the step before is seen from its end");
        p.scrub(3.4);
        assert!(!p.moves() && p.stage() == Stage::Counts && p.done(Stage::Counts) < 0.4 && p.done(Stage::Error) == 0.0);
    }

    #[test]
    fn played_it_goes_from_step_to_step() {
        let mut p = Player::default();
        p.toggle();
        let mut wishes = 0;
        for _ in 0..(20.0 / 0.05) as u32 {
            wishes += u32::from(p.tick(0.05) == Some(Wish::Next));
        }
        assert_eq!(wishes, 1, "six stages of 2.5 seconds each, then the next step");
        assert!(p.playing() && p.moves());
        p.toggle();
        assert!(!p.moves(), "paused, it asks for no frame");
    }
}
