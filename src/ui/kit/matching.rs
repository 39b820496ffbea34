//! How well a query matches a name: exactly, at the beginning, at the beginning of a word, anywhere, by all its words, or by its letters in
//! order.

/// The way in which a query matches; later ones are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Letters,
    Words,
    Inside,
    WordStart,
    Prefix,
    Exact,
}

/// How well a query matches a name; greater is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fit {
    way: Way,
    /// Of names that match in the same way, the one matched further to the left is better, then the shorter one.
    place: i32,
    length: i32,
}

/// A text in lower case, with one space for every run of other characters than letters and digits.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// How well a query matches a name, both as [`plain`] returns them; `None` if its letters are not in the name in order. An empty query
/// matches every name equally well.
#[must_use]
pub fn fit(typed: &str, name: &str) -> Option<Fit> {
    let length = -(name.chars().count() as i32);
    let of = |way, place: usize| Some(Fit { way, place: -(place as i32), length });
    if typed.is_empty() {
        return Some(Fit { way: Way::Letters, place: 0, length: 0 });
    }
    if typed == name {
        return of(Way::Exact, 0);
    }
    if name.starts_with(typed) {
        return of(Way::Prefix, 0);
    }
    if let Some(at) = name.find(&format!(" {typed}")) {
        return of(Way::WordStart, at);
    }
    if let Some(at) = name.find(typed) {
        return of(Way::Inside, at);
    }
    if typed.contains(' ') && typed.split(' ').all(|word| name.contains(word)) {
        return of(Way::Words, 0);
    }
    let mut rest = name.chars();
    let mut passed = 0;
    for c in typed.chars().filter(|c| *c != ' ') {
        passed += rest.by_ref().take_while(|n| *n != c).count() + 1;
        if passed > name.chars().count() {
            return None;
        }
    }
    of(Way::Letters, passed)
}

/// The best match of a query among several names.
#[must_use]
pub fn best<'a>(typed: &str, names: impl IntoIterator<Item = &'a String>) -> Option<Fit> {
    names.into_iter().filter_map(|name| fit(typed, name)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(typed: &str, name: &str) -> Option<Fit> {
        fit(&plain(typed), &plain(name))
    }

    #[test]
    fn better_matches_rank_higher() {
        let order = [
            ("skew", "Skew"),
            ("skew", "Skewed topics"),
            ("skew", "Show: skew of topics"),
            ("skew", "Unskewed"),
            ("skew topic", "Topics and their skew"),
            ("skew", "Show keys everywhere"),
        ];
        for pair in order.windows(2) {
            let (better, worse) = (of(pair[0].0, pair[0].1), of(pair[1].0, pair[1].1));
            assert!(better > worse, "{pair:?}");
        }
        assert!(of("ply", "Play or pause").is_some());
        assert!(of("xyz", "Play or pause").is_none());
        assert!(of("pauses", "Play or pause").is_none());
        assert!(of("", "anything").is_some());
        assert_eq!(plain("  Open…  "), "open");
        assert_eq!(plain("Compare: add a variant"), "compare add a variant");
    }
}
