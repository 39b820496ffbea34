//! The table as text: Markdown for notes, CSV for spreadsheets.

use super::rows::Row;
use super::settings::Difference;
use moebias_model::figures::Figures;
use strum::IntoEnumIterator as _;

/// The table as Markdown, with the values as they are shown.
#[must_use]
pub fn markdown(names: &[String], settings: &[Difference], figures: &[Figures]) -> String {
    let line = |first: &str, rest: &[String]| {
        let cells = rest.iter().map(|c| format!(" {} |", c.replace('|', "\\|")));
        format!("| {first} |{}\n", cells.collect::<String>())
    };
    let mut out = line("", names);
    out += &format!("|---|{}\n", "---:|".repeat(names.len()));
    settings.iter().for_each(|s| out += &line(&s.name, &s.values));
    for row in Row::iter().filter(|_| !figures.is_empty()) {
        let best = row.best(figures);
        let cell = |(f, best): (&Figures, bool)| if best { format!("**{}**", row.written(f)) } else { row.written(f) };
        let cells: Vec<String> = figures.iter().zip(best).map(cell).collect();
        let named = if row.unit() == "%" || row.unit().is_empty() {
            row.name().to_owned()
        } else {
            format!("{}, {}", row.name(), row.unit())
        };
        out += &line(&named, &cells);
    }
    out
}

/// The table as CSV, with all digits; cells without a value are empty.
#[must_use]
pub fn csv(names: &[String], settings: &[Difference], figures: &[Figures]) -> String {
    let quoted = |text: &str| {
        let special = text.contains([',', '"', '\n']);
        if special { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
    };
    let line = |first: [&str; 2], rest: Vec<String>| {
        let first = first.iter().map(|s| (*s).to_owned());
        let all: Vec<String> = first.chain(rest).map(|c| quoted(&c)).collect();
        all.join(",") + "\n"
    };
    let mut out = line(["", "unit"], names.to_vec());
    settings.iter().for_each(|s| out += &line([&s.name, ""], s.values.clone()));
    for row in Row::iter().filter(|_| !figures.is_empty()) {
        let cells = figures.iter().map(|f| row.value(f).map(|x| x.to_string()).unwrap_or_default());
        out += &line([row.name(), row.unit()], cells.collect());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_whole() {
        let names = ["a, b".to_owned(), "c|d".to_owned()];
        let settings = [Difference { name: "Step size u".into(), values: vec!["0.1".into(), "0.2".into()] }];
        let figures = [Figures { steps: 9, steady: Some(0.125), ..Figures::default() }, Figures::default()];
        let text = markdown(&names, &settings, &figures);
        assert_eq!(text.lines().count(), 3 + Row::iter().count());
        assert!(text.contains("| c\\|d |") && text.contains("| Steady MaxVio | **0.125** | – |"), "{text}");
        let text = csv(&names, &settings, &figures);
        assert!(text.starts_with(",unit,\"a, b\",c|d\nStep size u,,0.1,0.2\n"), "{text}");
        assert!(text.contains("Steady MaxVio,,0.125,\n"), "{text}");
    }
}
