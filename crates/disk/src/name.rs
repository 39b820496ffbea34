//! File names made from titles.

/// The largest length of a name in bytes. File systems allow 255, but endings, numbers and `.bak` are added to it.
const MOST_BYTES: usize = 120;
/// Number of words taken from a title.
const MOST_WORDS: usize = 8;

/// A file name without its ending, made from a title: its first words in lower case, joined by hyphens and limited in bytes. Returns `or`
/// if the title has neither letters nor digits.
#[must_use]
pub fn stem(title: &str, or: &str) -> String {
    let plain: String = title.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let words: Vec<&str> = plain.split('-').filter(|w| !w.is_empty()).take(MOST_WORDS).collect();
    let mut stem = words.join("-");
    if stem.len() > MOST_BYTES {
        stem.truncate(stem.floor_char_boundary(MOST_BYTES));
        stem.truncate(stem.trim_end_matches('-').len());
    }
    if stem.is_empty() { or.to_owned() } else { stem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        assert_eq!(stem("A first look: u = 0.001", "run"), "a-first-look-u-0-001");
        assert_eq!(stem("../../etc/passwd", "run"), "etc-passwd");
        assert_eq!(stem("", "run"), "run");
        assert_eq!(stem("…/\u{0}", "run"), "run");
        let chinese = "路由器的负载均衡实验".repeat(30);
        let name = stem(&chinese, "run");
        assert!(name.len() <= MOST_BYTES && name.len() > MOST_BYTES - 4, "{}", name.len());
        assert!(chinese.starts_with(&name), "cut between characters");
        assert_eq!(stem("one two three four five six seven eight nine", "run").matches('-').count(), 7);
    }
}
