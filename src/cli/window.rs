//! `moebias [FILE]`: opens the window.

use super::failure::Failure;
use super::output;
use super::reading::ReadingArgs;
use crate::ui::kit::meter;
use crate::ui::shell::app::{App, Options};
use crate::ui::shell::software;
use crate::ui::store::Store;
use eframe::egui::{ViewportBuilder, vec2};
use moebias_engine::{EngineChoice, background};
use moebias_files::{self as files, Loaded};
use moebias_lab::command::Command;
use moebias_lab::places;
use moebias_lab::{Lab, crash};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A window that crashed sooner than this is not reopened automatically: it would probably crash again.
const LIVED: Duration = Duration::from_secs(20);

/// eframe persists nothing; [`Store`] does. If the settings file were a pipe, eframe would wait for it for ever.
const NOWHERE: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// Opens the window.
pub(super) fn open(file: Option<&Path>, reading: &ReadingArgs) -> Result<(), Failure> {
    meter::begin();
    background::make_way();
    // An invalid file is reported before any window opens.
    let wrong = |e: files::FileError| Failure::new(e.to_string());
    let over = match file {
        Some(lesson) if files::lesson::is_lesson(lesson) => {
            files::lesson::load(lesson).map_err(wrong)?;
            file
        }
        Some(sweep) if files::sweep::is_sweep(sweep) => {
            files::sweep::open(sweep).map_err(wrong)?;
            file
        }
        _ => None,
    };
    // A lesson or a sweep opens on top of what a window without a file shows.
    let loaded = load(file.filter(|_| over.is_none()), reading)?;
    let over = over.map(Path::to_owned);
    let welcome = file.is_none();
    if !has_display() {
        let text = "there is no display to open a window on. These commands need none: `moebias run`, `replay`, `render`, `check`, \
                    `trace`, `doctor`";
        return Err(Failure::new(text));
    }
    crash::install();
    let started = Instant::now();
    match catch_unwind(AssertUnwindSafe(|| window(loaded, over, welcome))) {
        Ok(outcome) => outcome,
        Err(_) => reopen(started.elapsed()),
    }
}

pub(super) fn load(file: Option<&Path>, reading: &ReadingArgs) -> Result<Loaded, Failure> {
    let Some(file) = file else {
        let first = files::shipped().first().ok_or_else(|| Failure::new("no scenario ships with this build"))?;
        return first.load().map_err(|e| Failure::new(e.to_string()));
    };
    files::load_as(&reading.files(file), reading.layer(), &reading.reading()).map_err(|e| Failure::new(e.to_string()))
}

/// Whether there is a display. Only X11 and Wayland announce one in the environment.
fn has_display() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    !cfg!(all(unix, not(target_os = "macos"))) || set("DISPLAY") || set("WAYLAND_DISPLAY") || set("WAYLAND_SOCKET")
}

fn window(loaded: Loaded, over: Option<PathBuf>, welcome: bool) -> Result<(), Failure> {
    let (store, stored) = Store::open(places::settings_file());
    let [width, height] = stored.size.unwrap_or([1440.0, 900.0]);
    let viewport = ViewportBuilder::default()
        .with_title("Moebias")
        .with_app_id("moebias")
        .with_inner_size(vec2(width, height))
        .with_maximized(stored.maximised)
        .with_min_inner_size(vec2(760.0, 520.0))
        .with_icon(crate::ui::kit::icon::icon())
        .with_drag_and_drop(true);
    // Dithering is off: nothing here is a gradient that would show bands.
    let options = eframe::NativeOptions {
        viewport,
        wgpu_options: graphics(),
        dithering: false,
        persist_window: false,
        persistence_path: Some(NOWHERE.into()),
        // Our own font provider searches the system's fonts when necessary, in pictures and films too.
        system_font_fallback: false,
        ..Default::default()
    };
    let create = move |cc: &eframe::CreationContext<'_>| -> Result<Box<dyn eframe::App>, Box<dyn std::error::Error + Send + Sync>> {
        if let Some(state) = &cc.wgpu_render_state {
            software::install(&cc.egui_ctx, state);
            // If the window is larger than the largest texture, this frame is not drawn, and the next frame shrinks the window.
            state.device.on_uncaptured_error(std::sync::Arc::new(|e: wgpu::Error| log::error!("the window: {e}")));
        }
        let ctx = cc.egui_ctx.clone();
        let mut lab = Lab::open(&loaded, EngineChoice::Auto, move || ctx.request_repaint())?;
        // The run does not start while the welcome is open.
        if !welcome {
            lab.send(Command::Play);
        }
        let options = Options { welcome, native: true, still: false, caption: false };
        let mut app = App::new(&cc.egui_ctx, lab, stored, options);
        app.keep_in(store);
        if let Some(file) = &over {
            app.lab_mut().send(Command::OpenFile(file.clone()));
        }
        Ok(Box::new(app))
    };
    eframe::run_native("moebias", options, Box::new(create)).map_err(|e| {
        Failure::new(format!(
            "the window can't be opened: {e}. `moebias doctor` says what graphics there is; `moebias run` needs none"
        ))
    })
}

/// The configuration of the window's own device. It requires no more than the adapter offers: wgpu's default limits, or on OpenGL, where eframe
/// would require too little, the adapter's own limits.
fn graphics() -> eframe::egui_wgpu::WgpuConfiguration {
    use eframe::egui_wgpu::{SurfaceConfig, WgpuConfiguration, WgpuSetup};
    let mut configuration = WgpuConfiguration { surface: SurfaceConfig::HIGH_THROUGHPUT, ..Default::default() };
    if let WgpuSetup::CreateNew(setup) = &mut configuration.wgpu_setup {
        setup.device_descriptor = std::sync::Arc::new(|adapter| wgpu::DeviceDescriptor {
            label: Some("moebias window"),
            required_limits: wgpu::Limits {
                // Large windows need the largest texture that the adapter supports.
                max_texture_dimension_2d: adapter.limits().max_texture_dimension_2d,
                ..if adapter.get_info().backend == wgpu::Backend::Gl {
                    adapter.limits()
                } else {
                    wgpu::Limits::default()
                }
            },
            ..Default::default()
        });
    }
    configuration
}

/// After a crash, opens the window once more in a process of its own, which offers to restore the work.
fn reopen(lived: Duration) -> Result<(), Failure> {
    if lived < LIVED {
        return Err(Failure::new(
            "what was done since the last save is in the journal: the next start offers to restore it",
        ));
    }
    output::note("moebias: opening the window again, with the offer to restore what was done");
    let again =
        std::env::current_exe().and_then(|exe| std::process::Command::new(exe).env_remove(crash::REHEARSAL).spawn());
    again.map(|_| ()).map_err(|e| Failure::new(format!("Moebias can't start again: {e}")))?;
    Err(Failure::Silent)
}
