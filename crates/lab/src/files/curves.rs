//! Writing the curves of a run as CSV. This runs on a job's thread.

use crate::job::Progress;
use moebias_engine::cpu::CpuEngine;
use moebias_engine::message::Exported;
use moebias_engine::run::Run;
use moebias_files::FileError;
use moebias_files::atomic::Staged;
use moebias_files::export::{Columns, Curves};
use std::path::Path;

/// Computes a run again from its start and writes every curve as CSV. The file appears under its name only when it is complete. Returns the
/// sentence with which the user is told.
///
/// # Errors
/// Why the file was not written, in a sentence: the export was cancelled, the run failed or the disk did.
pub(super) fn csv_of(path: &Path, run: Exported, progress: &Progress) -> Result<String, String> {
    let name = path.display().to_string();
    let fail = |e: &dyn std::fmt::Display| format!("{name} can't be written: {e}");
    let unwritten = |e: &std::io::Error| FileError::write(&name, e).to_string();
    let staged = Staged::new(path).map_err(|e| unwritten(&e))?;
    let columns = Columns { loads: true, biases: true, learning: run.start.experiment.world().is_some() };
    let to = run.step;
    let mut again = Run::new(run.run, run.start).map_err(|e| fail(&e))?;
    let (start, first) = (&again.start, again.step());
    let mut curves =
        Curves::new(staged, &start.experiment, &again.events, first, columns).map_err(|e| unwritten(&e))?;
    let mut engine = CpuEngine::new("for the export");
    let first = again.step();
    let mut trouble = None;
    while again.step() < to {
        if progress.cancelled() {
            return Err(format!("{} was not written", path.display()));
        }
        let most = (to - again.step()).min(64) as u32;
        let each = |row: &_, metrics: &[_]| {
            if trouble.is_none() {
                trouble = curves.row(row, metrics).err();
            }
        };
        again.advance(&mut engine, most, each).map_err(|e| fail(&e))?;
        if let Some(e) = trouble {
            return Err(unwritten(&e));
        }
        progress.set((again.step() - first) as f64 / (to - first).max(1) as f64);
    }
    curves.finish().and_then(Staged::finish).map_err(|e| unwritten(&e))?;
    Ok(format!("Wrote {} steps to {}", to - first, path.display()))
}
