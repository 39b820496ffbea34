//! `moebias run`: an experiment from its first step, as a table, JSON or CSV.

use super::RunArgs;
use super::drive::Driver;
use super::failure::Failure;
use super::report::{Keep, Report};
use super::{input, output};
use crate::engine::message::RunId;
use crate::engine::run::Run;

pub(super) fn run(args: &RunArgs) -> Result<(), Failure> {
    let input = input::open(&args.file)?;
    let mut run = Run::new(RunId(0), input.start.clone())?;
    let end = args.steps.map_or(input.end(), |n| input.first().saturating_add(n));
    let keep = match (args.json, args.full) {
        (false, _) => Keep::Ends,
        (true, false) => Keep::MaxVio,
        (true, true) => Keep::All,
    };
    let mut report = Report::new(&input, keep, end - input.first())?;
    let mut driver = Driver::open(args.engine.into())?;
    driver.advance_to(&mut run, end, "Running", |row, metrics| {
        report.push(row, metrics);
        Ok(())
    })?;
    let text = if args.json { report.json(&run, driver.info())? } else { report.table(&run, driver.info()) };
    output::print(&text)
}
