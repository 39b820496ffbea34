//! `moebias doctor`: reports what hardware this machine has, what will be used, and why.

use super::failure::Failure;
use super::output::{self, thousands};
use moebias_engine::gpu::adapter::{self, Found, backend_name};
use moebias_engine::worker::KEPT_BYTES;
use moebias_engine::{self as engine, EngineChoice};
use std::fmt::Write as _;

/// Width of the names in front of values, characters.
const NAME: usize = 12;
/// Width of the names below an adapter, characters.
const DETAIL: usize = 20;

pub(super) fn doctor() -> Result<(), Failure> {
    let mut out = String::new();
    line(&mut out, "Moebias", env!("CARGO_PKG_VERSION"));
    line(&mut out, "System", &format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    line(&mut out, "CPU", &if cores == 1 { "1 core".into() } else { format!("{cores} cores") });
    line(&mut out, "Memory", &format!("runs kept to go back to take at most {}", bytes(KEPT_BYTES as u64)));
    let set = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    line(&mut out, "Display", &display(set("DISPLAY"), set("WAYLAND_DISPLAY")));
    let adapters = adapter::list(None);
    let mut found = match adapters.len() {
        0 => "none".into(),
        1 => "1".into(),
        n => format!("{n}, best first"),
    };
    if let Some(name) = set("WGPU_BACKEND") {
        write!(found, "; WGPU_BACKEND={name} hides the others").ok();
    }
    line(&mut out, "Adapters", &found);
    for found in &adapters {
        describe(&mut out, found);
    }
    if !adapters.is_empty() {
        out.push('\n');
    }
    match engine::open(EngineChoice::Auto) {
        Ok(engine) => {
            let info = engine.info();
            line(&mut out, "Engine", &format!("{}, {}", info.kind, info.adapter));
            line(&mut out, "because", &info.reason);
        }
        Err(e) => line(&mut out, "Engine", &format!("none: {e}")),
    }
    let on_request = match adapter::choose(&adapters, true) {
        Ok((at, _)) => adapters[at].title(),
        Err(e) => format!("nothing: {e}"),
    };
    line(&mut out, "with gpu", &format!("{on_request} (--engine gpu)"));
    output::print(&out)
}

fn line(out: &mut String, name: &str, value: &str) {
    writeln!(out, "{name:<NAME$}{value}").ok();
}

/// The display on which the window would open.
fn display(x11: Option<String>, wayland: Option<String>) -> String {
    if cfg!(any(windows, target_os = "macos")) {
        return "the desktop's own".into();
    }
    match (wayland, x11) {
        (Some(w), Some(x)) => format!("Wayland ({w}) and X11 ({x})"),
        (Some(w), None) => format!("Wayland ({w})"),
        (None, Some(x)) => format!("X11 ({x})"),
        (None, None) => "none (DISPLAY and WAYLAND_DISPLAY are not set): the window can't open, commands can".into(),
    }
}

fn describe(out: &mut String, found: &Found) {
    let (info, limits) = (&found.info, &found.limits);
    let driver: Vec<&str> =
        [&info.driver, &info.driver_info].map(|s| s.trim()).into_iter().filter(|s| !s.is_empty()).collect();
    let driver = if driver.is_empty() { "not named".into() } else { driver.join(", ") };
    let usable = match &found.problem {
        None => "yes".into(),
        Some(why) => format!("no: {why}"),
    };
    let details = [
        ("backend", backend_name(info.backend).into()),
        ("type", found.kind().into()),
        ("driver", driver),
        ("storage buffers", format!("{} per shader", thousands(limits.max_storage_buffers_per_shader_stage.into()))),
        ("largest binding", bytes(limits.max_storage_buffer_binding_size)),
        ("workgroup memory", bytes(limits.max_compute_workgroup_storage_size.into())),
        ("workgroup threads", thousands(limits.max_compute_invocations_per_workgroup.into())),
        ("can compute", usable),
    ];
    writeln!(out, "\n  {}", info.name.trim()).ok();
    for (name, value) in details {
        writeln!(out, "    {name:<DETAIL$}{value}").ok();
    }
}

/// A number of bytes in the largest binary unit that it reaches.
fn bytes(n: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    match units.into_iter().find(|(shift, _)| n >> shift > 0) {
        Some((shift, unit)) => {
            let (whole, rest) = (n >> shift, n & ((1 << shift) - 1));
            if rest == 0 {
                format!("{} {unit}", thousands(whole))
            } else {
                format!("{:.1} {unit}", n as f64 / (1u64 << shift) as f64)
            }
        }
        None => format!("{n} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_in_binary_units() {
        assert_eq!(bytes(134_217_728), "128 MiB");
        assert_eq!(bytes(16_384), "16 KiB");
        assert_eq!(bytes(u64::from(u32::MAX)), "4.0 GiB");
        assert_eq!(bytes(0), "0 bytes");
    }
}
