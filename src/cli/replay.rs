//! `moebias replay`: repeats a recording; with `--verify` its digest is compared with the recorded one.

use super::ReplayArgs;
use super::drive::Driver;
use super::failure::Failure;
use super::{input, output};
use moebias_engine::run::Run;
use moebias_engine::start::RunId;

pub(super) fn replay(args: &ReplayArgs) -> Result<(), Failure> {
    let name = args.file.display();
    let input = input::open(&args.file, &Default::default())?;
    let Some(recorded) = &input.recorded else {
        return Err(Failure::new(format!("{name} is not a recording: it holds no digest. `moebias run` runs it")));
    };
    let mut run = Run::new(RunId(0), input.start.clone())?;
    let mut driver = Driver::open(args.engine.into())?;
    driver.advance_to(&mut run, recorded.steps, "Replaying", |_, _| Ok(()))?;
    let digest = run.simulation().digest();
    let engine = driver.info();
    let line = format!("{name}: step {}, digest {digest}, {} ({})", recorded.steps, engine.kind, engine.adapter);
    match (args.verify, digest == recorded.digest) {
        (false, _) => output::print(&format!("{line}\n")),
        (true, true) => output::print(&format!("{line}: equal to the recorded digest\n")),
        (true, false) => {
            let (was, engine, version) = (recorded.digest, &recorded.engine, &recorded.app_version);
            Err(Failure::new(format!("{line}, but {was} was recorded ({engine}, Moebias {version})")))
        }
    }
}
