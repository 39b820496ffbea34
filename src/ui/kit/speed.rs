//! The speeds offered for a run.

use crate::ui::kit::widgets::slider::figure;
use moebias_engine::message::Speed;

/// The speeds offered, steps per second; above these is full speed.
pub const SPEEDS: [f64; 9] = [1.0, 2.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 1000.0];

/// The name of a speed in the window.
#[must_use]
pub fn name_of(speed: Speed) -> String {
    match speed {
        Speed::Steps(rate) => format!("{} / s", figure(rate, rate >= 1.0)),
        Speed::Max => "Max".into(),
    }
}

/// The next speed up or down.
#[must_use]
pub fn next_speed(now: Speed, faster: bool) -> Speed {
    let rate = match now {
        Speed::Steps(rate) => rate,
        Speed::Max if faster => return Speed::Max,
        Speed::Max => return SPEEDS.last().map_or(Speed::Max, |&s| Speed::Steps(s)),
    };
    if faster {
        SPEEDS.iter().find(|s| **s > rate * 1.01).map_or(Speed::Max, |&s| Speed::Steps(s))
    } else {
        SPEEDS.iter().rev().find(|s| **s < rate * 0.99).map_or(Speed::Steps(SPEEDS[0]), |&s| Speed::Steps(s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_step_up_and_down_and_stop_at_the_ends() {
        let mut speed = Speed::Steps(60.0);
        for _ in 0..10 {
            speed = next_speed(speed, true);
        }
        assert_eq!(speed, Speed::Max);
        for _ in 0..20 {
            speed = next_speed(speed, false);
        }
        assert_eq!(speed, Speed::Steps(1.0));
        assert_eq!(next_speed(Speed::Steps(60.0), true), Speed::Steps(120.0));
    }
}
