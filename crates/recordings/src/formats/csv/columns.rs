//! The meaning of a table's columns, from their names.

use crate::names::Role;
use moebias_model::settings::reading::RecordedKind;

/// The columns of a table by what they hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    pub layer: Option<usize>,
    pub step: Option<usize>,
    pub rank: Option<usize>,
    /// A token's position, or its text.
    pub token: Option<usize>,
    /// A token's position, or its id in the vocabulary.
    pub token_id: Option<usize>,
    pub values: Values,
    pub width: usize,
}

/// The columns in which a row holds its recorded values.
#[derive(Clone, Debug, Default)]
pub(super) enum Values {
    #[default]
    None,
    /// The count of one expert.
    Count { expert: usize, count: usize },
    /// One assignment to one expert.
    Choice { expert: usize },
    /// Numbered columns, such as `expert_0, expert_1`.
    Series(Series),
    /// One column of lists.
    List { column: usize, kind: RecordedKind },
}

/// Columns whose names end with a number.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// The column and its number, in order of the numbers.
    pub columns: Vec<(usize, usize)>,
    /// The meaning of their common word.
    pub kind: Option<RecordedKind>,
}

impl Columns {
    /// The columns of a header; `None` if no name refers to recorded values. `token_ids` is the column that a person named.
    pub(super) fn of(header: &[String], token_ids: Option<&str>) -> Option<Self> {
        let names: Vec<String> = header.iter().map(|name| plain(name)).collect();
        let find = |role: Role, taken: &[Option<usize>]| {
            (0..names.len()).find(|&at| role.is(&names[at]) && !taken.contains(&Some(at)))
        };
        let named = token_ids.and_then(|name| header.iter().position(|h| h == name));
        let (layer, rank) = (find(Role::Layer, &[named]), find(Role::Rank, &[named]));
        let step = find(Role::Step, &[named]).or_else(|| find(Role::TrainStep, &[named]));
        let expert = find(Role::Expert, &[named]);
        let mut taken = vec![layer, rank, step, expert, named];
        let list = |role: Role| Some((find(role, &taken)?, role.kind()?));
        let count = find(Role::Count, &taken).or_else(|| find(Role::Loads, &taken));
        let series = series(&names, &taken);
        let values = match (expert, count, series) {
            (Some(expert), Some(count), _) => Values::Count { expert, count },
            (_, _, Some(series)) => Values::Series(series),
            (Some(expert), None, _) => Values::Choice { expert },
            _ => {
                let found = list(Role::Selections).or_else(|| list(Role::Scores)).or_else(|| list(Role::Loads));
                let (column, kind) = found?;
                Values::List { column, kind }
            }
        };
        if let Values::Count { count, .. } = values {
            taken.push(Some(count));
        }
        let token = find(Role::Token, &taken);
        let token_id = named.or_else(|| find(Role::TokenIds, &taken));
        Some(Self { layer, step, rank, token, token_id, values, width: header.len() })
    }

    /// Whether rows are about tokens.
    pub(super) fn has_tokens(&self) -> bool {
        self.token.or(self.token_id).is_some()
    }

    /// Whether rows hold values of experts without naming a step, layer, rank or token.
    pub(super) fn is_bare(&self) -> bool {
        let counts = matches!(&self.values, Values::Series(s) if matches!(s.kind, None | Some(RecordedKind::Loads)));
        counts && !self.has_tokens() && self.layer.or(self.step).or(self.rank).is_none()
    }
}

/// The columns whose names end with a number, at least two with the same word before it, and the meaning of that word.
fn series(names: &[String], taken: &[Option<usize>]) -> Option<Series> {
    let mut best: Option<Series> = None;
    let mut seen: Vec<&str> = vec![];
    for at in (0..names.len()).filter(|&at| !taken.contains(&Some(at))) {
        let Some((word, _)) = numbered(&names[at]) else { continue };
        if seen.contains(&word) || seen.len() > 16 {
            continue;
        }
        seen.push(word);
        let kind = match word {
            "" | "e" | "exp" | "expert" | "experts" => None,
            "top" | "topk" | "choice" | "selected" | "expert_id" | "expert_idx" => Some(RecordedKind::Selections),
            "score" | "logit" | "prob" | "probability" | "gate" => Some(RecordedKind::Scores),
            _ => {
                let roles = [Role::Scores, Role::Selections, Role::Loads, Role::Count];
                match roles.into_iter().find(|role| role.is(word)) {
                    Some(Role::Count) => Some(RecordedKind::Loads),
                    Some(role) => role.kind(),
                    None => continue,
                }
            }
        };
        let mut columns: Vec<(usize, usize)> = (at..names.len())
            .filter_map(|at| numbered(&names[at]).filter(|(w, _)| *w == word).map(|(_, n)| (at, n)))
            .collect();
        columns.sort_by_key(|&(_, number)| number);
        // If chosen experts are listed beside their scores, the experts are what was recorded.
        let better = |old: &Series| old.kind == Some(RecordedKind::Scores) && kind != old.kind;
        if columns.len() > 1 && best.as_ref().is_none_or(better) {
            best = Some(Series { columns, kind });
        }
    }
    best
}

/// Splits `expert_12` into `expert` and 12.
fn numbered(name: &str) -> Option<(&str, usize)> {
    let name = name.trim_end_matches(']');
    let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name.get(word.len()..)?.parse().ok()?;
    Some((word.trim_end_matches(['_', '.', '[', '/']), number))
}

/// A name in lower case, with `_` between its words.
fn plain(name: &str) -> String {
    let mut out = String::new();
    let mut last = ' ';
    for c in name.trim().chars().take(200) {
        if c.is_ascii_uppercase() && last.is_ascii_lowercase() {
            out.push('_');
        }
        out.push(if matches!(c, ' ' | '-') { '_' } else { c.to_ascii_lowercase() });
        last = c;
    }
    out
}
