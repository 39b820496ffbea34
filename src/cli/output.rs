//! Output to stdout and stderr. A closed pipe is not an error: `moebias run x | head -1` ends quietly.

use super::failure::Failure;
use moebias_files::text::plain_lines;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};

/// Escape sequences for bold, dim and plain text, each with a private-use character that stands in for it while control characters are
/// escaped.
const STYLES: [(&str, &str); 3] = [("\x1b[1m", "\u{f8f1}"), ("\x1b[2m", "\u{f8f2}"), ("\x1b[0m", "\u{f8f3}")];

/// Prints human-readable text to stdout. Control characters are escaped, except our own styles and line breaks.
///
/// # Errors
/// The operating system's error, unless the pipe is closed.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let marked = STYLES.iter().fold(text.to_owned(), |t, (style, mark)| t.replace(style, mark));
    let harmless = plain_lines(&marked).into_owned();
    print_exactly(&STYLES.iter().fold(harmless, |t, (style, mark)| t.replace(mark, style)))
}

/// Prints JSON; characters that a terminal would act on are written as JSON escapes.
///
/// # Errors
/// As [`print`].
pub(super) fn print_json(text: &str) -> Result<(), Failure> {
    print_exactly(&moebias_files::text::json(text))
}

/// Prints machine-readable text to stdout, unchanged.
///
/// # Errors
/// As [`print`].
pub(super) fn print_exactly(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Failure::new(format!("the output can't be written: {e}"))),
        _ => Ok(()),
    }
}

/// Prints a line to stderr. An error is ignored, since there is nowhere left to report it.
pub(super) fn note(text: &str) {
    writeln!(io::stderr().lock(), "{}", plain_lines(text)).ok();
}

/// Whether stdout shows bold and dim text.
pub(super) fn styled() -> bool {
    cfg!(not(windows)) && io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// A number with commas between groups of three digits.
pub(super) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: 1 event, 2 events.
pub(super) fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(n), if n == 1 { "" } else { "s" })
}

/// A number with four significant digits, and at most nine decimals.
pub(super) fn figures(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let decimals = (3.0 - x.abs().log10().floor()).clamp(0.0, 9.0) as usize;
    format!("{x:.decimals$}")
}

/// A count with a unit prefix: 1.2 M.
pub(super) fn scaled(x: f64) -> String {
    let (x, prefix) = match x {
        x if x >= 1e12 => (x / 1e12, " T"),
        x if x >= 1e9 => (x / 1e9, " G"),
        x if x >= 1e6 => (x / 1e6, " M"),
        x if x >= 1e4 => (x / 1e3, " k"),
        _ => return if x >= 100.0 { format!("{x:.0}") } else { format!("{x:.1}") },
    };
    if x >= 100.0 { format!("{x:.0}{prefix}") } else { format!("{x:.1}{prefix}") }
}

/// Pads columns to their widest cell: the first column is aligned left, all others right.
pub(super) fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|s| s.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(c, (cell, &w))| if c == 0 { format!("{cell:<w$}") } else { format!("{cell:>w$}") });
        cells.collect::<Vec<_>>().join("   ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Prints why a command failed, to stderr.
pub(super) fn tell(failure: &Failure) {
    match failure {
        Failure::Told(text) | Failure::Usage(text) => note(&format!("moebias: {text}")),
        Failure::Silent | Failure::Closed => {}
    }
}

/// Reports a panic as a bug in one sentence and ends the program with exit code 1, whichever thread panics.
pub(super) fn speak_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        if moebias_recordings::is_contained() {
            return;
        }
        let what = panic.payload_as_str().unwrap_or("no reason given");
        let place = panic.location().map(|l| format!(" ({})", moebias_files::text::place(l))).unwrap_or_default();
        note(&format!("moebias: this is a bug in Moebias, please report it: {what}{place}"));
        moebias_disk::temporary::clean_up();
        std::process::exit(1);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_styles_reach_the_terminal() {
        // Escaping leaves the stand-in characters as they are.
        let marked = STYLES.iter().fold("\x1b[1mTitle\x1b[0m".to_owned(), |t, (s, m)| t.replace(s, m));
        assert!(plain_lines(&marked) == marked && !marked.contains('\x1b'), "{marked:?}");
    }

    #[test]
    fn numbers_are_written_legibly() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1_048_576), "1,048,576");
        assert_eq!(figures(0.012345), "0.01235");
        assert_eq!(figures(-1e-5), "-0.00001000");
        assert_eq!(figures(12.0), "12.00");
        assert_eq!(scaled(1_230_000.0), "1.2 M");
        assert_eq!(scaled(345.6), "346");
    }
}
