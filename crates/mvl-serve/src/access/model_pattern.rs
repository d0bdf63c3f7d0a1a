//! [`ModelPattern`]: a model's name, or the names that a pattern with `*` stands for.

use serde::{Deserialize, Serialize};

/// A model's name, where `*` stands for any characters: `shoes`, `team-a-*`, `*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelPattern(pub String);

impl ModelPattern {
    /// Whether it stands for a name.
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
        let Some(last) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            match rest.find(part) {
                Some(place) => rest = &rest[place + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (pattern, yes, no) in [
            ("shoes", vec!["shoes"], vec!["shoe", "shoes2", "", "Shoes"]),
            ("*", vec!["", "anything"], vec![]),
            ("a-*", vec!["a-", "a-b"], vec!["a", "ba-b"]),
            ("*-b", vec!["-b", "a-b", "b-b-b"], vec!["b", "a-bc"]),
            ("a*b*c", vec!["abc", "axxbyyc", "abbc"], vec!["ac", "acb", "ab"]),
            ("ab*ba", vec!["abba", "abxba"], vec!["aba"]),
            ("", vec![""], vec!["a"]),
        ] {
            let pattern = ModelPattern(pattern.to_owned());
            yes.iter().for_each(|name| assert!(pattern.matches(name), "{pattern:?} {name}"));
            no.iter().for_each(|name| assert!(!pattern.matches(name), "{pattern:?} {name}"));
        }
    }
}
