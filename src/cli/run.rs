//! `moebias run`: runs an experiment from its first step and prints a table, JSON or CSV.

use super::RunArgs;
use super::drive::Driver;
use super::failure::Failure;
use super::report::{Keep, Report};
use super::{input, output};
use moebias_engine::run::Run;
use moebias_engine::start::RunId;
use moebias_files::FileError;
use moebias_files::atomic::Staged;
use moebias_files::export::{Columns, Curves};
use std::io::{self, BufWriter, ErrorKind, Stdout, Write};
use std::path::Path;

pub(super) fn run(args: &RunArgs) -> Result<(), Failure> {
    let csv_to_stdout = args.csv.as_deref() == Some(Path::new("-"));
    if csv_to_stdout && args.json {
        return Err(Failure::Usage("--json and --csv - both go to the output: write the CSV to a file".into()));
    }
    let input = input::open(&args.file, &args.reading)?;
    let mut run = Run::new(RunId(0), input.start.clone())?;
    let end = args.steps.map_or(input.end(), |n| input.first().saturating_add(n));
    let keep = match (args.json, args.full) {
        (false, _) => Keep::Ends,
        (true, false) => Keep::MaxVio,
        (true, true) => Keep::All,
    };
    let mut report = Report::new(&input, keep, end - input.first())?;
    let mut driver = Driver::open(args.engine.into())?;
    let mut csv = args.csv.as_deref().map(|path| Csv::new(path, &run)).transpose()?;
    let outcome = driver.advance_to(&mut run, end, "Running", |row, metrics| {
        report.push(row, metrics);
        match &mut csv {
            Some(csv) => csv.curves.row(row, metrics).map_err(|e| csv_failure(&csv.name, &e)),
            None => Ok(()),
        }
    });
    match outcome.and_then(|()| csv.map_or(Ok(()), Csv::finish)) {
        Ok(()) => {}
        // The reader closed the pipe because it has read enough.
        Err(Failure::Closed) => return Ok(()),
        Err(failure) => return Err(failure),
    }
    if csv_to_stdout {
        return Ok(());
    }
    if args.json {
        output::print_json(&report.json(&run, driver.info())?)
    } else {
        output::print(&report.table(&run, driver.info()))
    }
}

/// A CSV sink: a file that appears only once it is complete, or stdout.
struct Csv {
    name: String,
    curves: Curves<Sink>,
}

enum Sink {
    File(Staged),
    Stdout(BufWriter<Stdout>),
}

impl Csv {
    fn new(path: &Path, run: &Run) -> Result<Self, Failure> {
        let (name, sink) = if path == Path::new("-") {
            ("the output".to_owned(), Ok(Sink::Stdout(BufWriter::new(io::stdout()))))
        } else {
            (path.display().to_string(), Staged::new(path).map(Sink::File))
        };
        let experiment = &run.start.experiment;
        let columns = Columns { loads: true, biases: true, learning: experiment.world().is_some() };
        let curves = sink.and_then(|sink| Curves::new(sink, experiment, &run.events, run.step(), columns));
        match curves {
            Ok(curves) => Ok(Self { name, curves }),
            Err(e) => Err(csv_failure(&name, &e)),
        }
    }

    fn finish(self) -> Result<(), Failure> {
        let done = self.curves.finish().and_then(|sink| match sink {
            Sink::File(file) => file.finish(),
            Sink::Stdout(mut out) => out.flush(),
        });
        done.map_err(|e| csv_failure(&self.name, &e))
    }
}

fn csv_failure(name: &str, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => Failure::Closed,
        _ => FileError::write(name, error).into(),
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stdout(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(out) => out.flush(),
        }
    }
}
