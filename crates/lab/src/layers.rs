//! All layers of a recording at once, on a thread of their own: each layer is measured as it was recorded and, if the user asks for it,
//! routed again with its own biases.

use super::Lab;
use moebias_engine::background;
use moebias_engine::layers::{Layers, Standing};
use moebias_engine::run::lock;
use moebias_files::Examined;
use moebias_model::config::{Experiment, Variant};
use moebias_recordings::{EveryLayer, Figures};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// The number of steps after which routing all layers ends.
const MOST_STEPS: u64 = 1_000_000;

/// What was computed about all layers so far.
#[derive(Clone, Debug, Default)]
pub struct AllLayers {
    /// One row per layer of the recording.
    pub rows: Vec<LayerRow>,
    /// The number of layers measured so far, including those that failed.
    pub measured: usize,
    /// The layers routed again, if a person asked for it.
    pub routed: Option<Routed>,
    /// The reason why measuring or routing failed, a sentence.
    pub failure: Option<String>,
}

/// What was computed about one layer.
#[derive(Clone, Debug, Default)]
pub struct LayerRow {
    /// The name of the layer.
    pub name: String,
    /// The figures of the layer as it was recorded; `None` until it is measured.
    pub recorded: Option<Arc<Figures>>,
    /// The state of the layer routed again; `None` if it is not routed.
    pub routed: Option<Arc<Standing>>,
}

/// The state of routing all layers.
#[derive(Clone, Debug, Default)]
pub struct Routed {
    /// The number of steps done.
    pub step: u64,
    /// The number of steps in the recording; routing goes through them again and again.
    pub of: u64,
    /// The settings with which all layers are routed.
    pub variant: Variant,
    /// Whether routing is in progress.
    pub running: bool,
}

/// The present recording's layers and the thread that computes them.
#[derive(Debug, Default)]
pub(super) struct LayersDesk {
    /// The recording whose layers are computed.
    of: Option<Arc<Examined>>,
    shown: Arc<Mutex<Arc<AllLayers>>>,
    stop: Arc<AtomicBool>,
}

impl LayersDesk {
    /// Stops the present thread and starts again for another recording, with empty rows.
    fn begin(&mut self, of: &Arc<Examined>) {
        self.stop.store(true, Ordering::Relaxed);
        let rows = of.recording.layers.iter().map(|l| LayerRow { name: l.name.clone(), ..LayerRow::default() });
        let shown = AllLayers { rows: rows.collect(), ..AllLayers::default() };
        *self = Self { of: Some(Arc::clone(of)), shown: Arc::new(Mutex::new(Arc::new(shown))), stop: Arc::default() };
    }
}

impl Drop for LayersDesk {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Lab {
    /// All layers of the recording, as far as they are computed. The first call starts to measure them on another thread. `None` if the
    /// tokens are not recorded.
    pub fn layers(&mut self) -> Option<Arc<AllLayers>> {
        let examined = self.examined().cloned()?;
        let same = |of: &Arc<Examined>| {
            Arc::ptr_eq(of, &examined)
                || (Arc::ptr_eq(&of.recording, &examined.recording) && of.reading == examined.reading)
        };
        if !self.layers.of.as_ref().is_some_and(same) {
            self.layers.begin(&examined);
            let (shown, stop) = (Arc::clone(&self.layers.shown), Arc::clone(&self.layers.stop));
            let wake = self.wake.clone();
            let work = move || measure(&examined, &shown, &stop, &*wake);
            // A lab for pictures measures at once, because a picture must be complete.
            if !self.desk.journaling.enabled {
                work();
            } else if let Err(e) = background::spawn("moebias-layers", work) {
                change(&self.layers.shown, |all| all.failure = Some(format!("The layers can't be measured now: {e}")));
            }
        }
        Some(Arc::clone(&lock(&self.layers.shown)))
    }

    /// All layers, as far as they are computed, without starting to measure them.
    #[must_use]
    pub fn layers_so_far(&self) -> Option<Arc<AllLayers>> {
        let examined = self.examined()?;
        let of = self.layers.of.as_ref()?;
        Arc::ptr_eq(&of.recording, &examined.recording).then(|| Arc::clone(&lock(&self.layers.shown)))
    }

    /// Starts to route all layers with the settings of a variant, from the first step, or stops that.
    pub(super) fn route_layers(&mut self, variant: usize, on: bool) {
        // The present thread is stopped. If layers are still to be measured, the new thread measures them first.
        let Some(examined) = self.examined().cloned() else { return };
        if self.layers().is_none() {
            return;
        }
        self.layers.stop.store(true, Ordering::Relaxed);
        change(&self.layers.shown, |all| {
            if let Some(routed) = &mut all.routed {
                routed.running = false;
            }
        });
        let unfinished = lock(&self.layers.shown).measured < examined.recording.layers.len();
        self.layers.stop = Arc::new(AtomicBool::new(false));
        let (shown, stop) = (Arc::clone(&self.layers.shown), Arc::clone(&self.layers.stop));
        let wake = self.wake.clone();
        let mut experiment = self.settings.clone();
        let Some(variant) = experiment.variants.get(variant).cloned() else { return };
        experiment.variants = vec![variant];
        let work = move || {
            if unfinished {
                measure(&examined, &shown, &stop, &*wake);
            }
            if on && let Err(e) = route(&examined, experiment, &shown, &stop, &*wake) {
                change(&shown, |all| {
                    all.failure = Some(e);
                    if let Some(routed) = &mut all.routed {
                        routed.running = false;
                    }
                });
                wake();
            }
        };
        if let Err(e) = background::spawn("moebias-layers", work) {
            change(&self.layers.shown, |all| all.failure = Some(format!("The layers can't be routed now: {e}")));
        }
    }
}

/// Changes what is known about all layers.
fn change(shown: &Mutex<Arc<AllLayers>>, how: impl FnOnce(&mut AllLayers)) {
    how(Arc::make_mut(&mut lock(shown)));
}

/// Measures one layer after another, starting with the one that is shown.
fn measure(examined: &Examined, shown: &Mutex<Arc<AllLayers>>, stop: &AtomicBool, wake: &(dyn Fn() + Send + Sync)) {
    let recording = &examined.recording;
    let first = recording.layers.iter().position(|l| l.name == examined.layer).unwrap_or(0);
    let order = std::iter::once(first).chain((0..recording.layers.len()).filter(|&l| l != first));
    for at in order {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        if lock(shown).rows.get(at).is_some_and(|r| r.recorded.is_some()) {
            continue;
        }
        let layer = &recording.layers[at];
        let figures = recording.facts(layer).and_then(|facts| recording.figures(layer, &facts, &examined.reading));
        change(shown, |all| {
            all.measured += 1;
            match figures {
                Ok(figures) => all.rows[at].recorded = Some(Arc::new(figures)),
                Err(e) => all.failure = Some(e.to_string()),
            }
        });
        wake();
    }
}

/// Routes all layers step by step until `stop` is set or [`MOST_STEPS`] is reached.
fn route(
    examined: &Examined,
    experiment: Experiment,
    shown: &Mutex<Arc<AllLayers>>,
    stop: &AtomicBool,
    wake: &(dyn Fn() + Send + Sync),
) -> Result<(), String> {
    let every: EveryLayer = examined.every_layer().map_err(|e| e.to_string())?;
    let chosen = every.layers(examined.trace.experts);
    let steps = every.steps() as u64;
    let variant = experiment.variants.first().cloned().unwrap_or_default();
    let first = chosen.first().ok_or("No layer has these tokens and experts")?;
    let first = Arc::new(every.step(*first, 0).map_err(|e| e.to_string())?);
    let mut layers = Layers::new(experiment, &first, &every.starts(&chosen)).map_err(|e| e.to_string())?;
    drop(first);
    change(shown, |all| {
        all.failure = None;
        all.rows.iter_mut().for_each(|r| r.routed = None);
        all.routed = Some(Routed { step: 0, of: steps, variant, running: true });
    });
    while !stop.load(Ordering::Relaxed) && layers.step() < MOST_STEPS {
        let at = (layers.step() % steps) as usize;
        layers.advance(|layer| every.step(chosen[layer], at)).map_err(|e| e.to_string())?;
        let standings = layers.standings();
        change(shown, |all| {
            for (&layer, standing) in chosen.iter().zip(standings) {
                all.rows[layer].routed = Some(Arc::new(standing));
            }
            if let Some(routed) = &mut all.routed {
                routed.step = layers.step();
            }
        });
        wake();
    }
    Ok(())
}
