//! Patterns of names, as in a shell.

/// Whether a name is what the pattern says: `*` stands for any characters, none too, and `?` for one.
///
/// # Example
/// ```
/// use mvl_core::matches_glob;
/// assert!(matches_glob("resnet*", "resnet50") && matches_glob("*.norm?.*", "backbone.0.norm1.gamma"));
/// assert!(!matches_glob("resnet*", "wide_resnet50_2") && !matches_glob("resnet?", "resnet50"));
/// ```
#[must_use]
pub fn matches_glob(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut place) = (0, 0);
    let mut last_star = None; // where the pattern goes on after it, and how far the name was covered then
    while place < name.len() {
        match pattern.get(at) {
            Some('*') => {
                at += 1;
                last_star = Some((at, place));
            }
            Some(&wanted) if wanted == '?' || wanted == name[place] => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((after, covered)) = last_star else { return false };
                last_star = Some((after, covered + 1));
                (at, place) = (after, covered + 1);
            }
        }
    }
    pattern[at..].iter().all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_take_what_is_needed() {
        for (pattern, name, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*b*c", "a12b34b5c", true),
            ("a*b*c", "a12b34b5", false),
            ("*ab", "aab", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("abc", "abcd", false),
        ] {
            assert_eq!(matches_glob(pattern, name), expected, "{pattern:?} and {name:?}");
        }
    }
}
