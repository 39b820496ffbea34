//! `moebias doctor`: what this machine has, what will be used, and why.

use super::failure::Failure;
use super::output;
use crate::engine::{self, EngineChoice};
use std::fmt::Write as _;

pub(super) fn doctor() -> Result<(), Failure> {
    let mut out = String::new();
    let line = |out: &mut String, name: &str, value: &str| {
        writeln!(out, "{name:<10}{value}").ok();
    };
    line(&mut out, "Moebias", concat!(env!("CARGO_PKG_VERSION")));
    line(&mut out, "System", &format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    line(&mut out, "CPU", &if cores == 1 { "1 core".into() } else { format!("{cores} cores") });
    match engine::open(EngineChoice::Auto) {
        Ok(engine) => {
            let info = engine.info();
            line(&mut out, "Engine", &format!("{}, {}: {}", info.kind, info.adapter, info.reason));
        }
        Err(e) => line(&mut out, "Engine", &format!("none: {e}")),
    }
    output::print(&out)
}
