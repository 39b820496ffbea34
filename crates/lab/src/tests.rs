use super::command::Command;
use super::*;
use moebias_engine::message::Snapshot;
use moebias_model::change::{Change, Target};
use moebias_model::config::{Rule, Source, Variant};
use moebias_testing::{Patience, experiment};
use std::time::Duration;

mod files;
mod names;
mod requests;
mod schedule;
mod undo;

fn start() -> Start {
    Start { experiment: experiment(), trace: None, state: None, events: vec![], stop: None }
}

/// A lab that is closed when it is dropped, as the window does, so that no test leaves a journal for another.
struct Proper(Lab);

impl std::ops::Deref for Proper {
    type Target = Lab;
    fn deref(&self) -> &Lab {
        &self.0
    }
}

impl std::ops::DerefMut for Proper {
    fn deref_mut(&mut self) -> &mut Lab {
        &mut self.0
    }
}

impl Drop for Proper {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn lab() -> Proper {
    Proper(killed_lab())
}

fn killed_lab() -> Lab {
    Lab::new(Document { title: "Test".into(), ..Default::default() }, start(), EngineChoice::Cpu, || {}).unwrap()
}

fn wait(lab: &mut Lab, what: &str, until: impl Fn(&Snapshot) -> bool) {
    let patience = Patience::new();
    loop {
        lab.poll();
        if lab.snapshot().answered == lab.requests.count && until(lab.snapshot()) {
            return;
        }
        assert!(patience.holds(), "{what} never came; at step {}", lab.snapshot().step);
    }
}

/// The temporary data folder that all tests of this process share.
fn data_dir() -> &'static std::path::Path {
    use std::sync::OnceLock;
    static DIR: OnceLock<tempfile::TempDir> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        places::keep_in(dir.path());
        dir
    })
    .path()
}

fn wait_for_notice(lab: &mut Lab, part: &str) -> String {
    let patience = Patience::new();
    loop {
        lab.poll();
        if let Some(n) = lab.notices().all().find(|n| n.text.contains(part)) {
            return n.text.clone();
        }
        assert!(patience.holds(), "no notice with “{part}”");
    }
}

/// What the run that is saved to `path` comes to, once it is there and loads.
fn saved(lab: &mut Lab, name: &str) -> moebias_model::digest::Digest {
    let path = data_dir().join(name);
    let told = lab.notices().count();
    lab.send(Command::SaveAs(path.clone()));
    let patience = Patience::new();
    while lab.is_saving() {
        lab.poll();
        assert!(patience.holds(), "it is not saved");
        std::thread::yield_now();
    }
    let said: Vec<_> = lab.notices().all().filter(|n| n.id >= told).map(|n| n.text.clone()).collect();
    assert!(said.iter().any(|s| s.starts_with("Saved")), "{said:?}");
    let loaded = moebias_files::load(&path).unwrap();
    let recorded = loaded.scenario.recorded.clone().unwrap();
    let mut run = moebias_engine::run::Run::new(RunId(9), start_of(&loaded)).unwrap();
    let mut engine = moebias_engine::cpu::CpuEngine::new("");
    while run.step() < recorded.steps {
        run.advance(&mut engine, (recorded.steps - run.step()) as u32, |_, _| {}).unwrap();
    }
    assert_eq!(run.simulation().digest(), recorded.digest, "it replays");
    recorded.digest
}

fn told_last(lab: &Lab) -> String {
    lab.notices().all().last().map(|n| n.text.clone()).unwrap_or_default()
}
