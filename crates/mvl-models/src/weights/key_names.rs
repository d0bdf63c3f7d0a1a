//! From this project's parameter names to the keys of the reference implementation.

use std::borrow::Cow;
use std::collections::HashSet;

use mvl_core::{KeyMap, ModelError};
use regex::{Captures, Regex};

use super::parameters::ParameterSlot;

/// What stands for a running number in a replacement.
const NUMBER: &str = "$#";

/// A [`KeyMap`] with its patterns compiled.
#[derive(Debug)]
pub(super) struct KeyNames(Vec<(Regex, &'static str)>);

/// Texts that a row with a running number has matched so far, for every row.
type Matched = Vec<Vec<String>>;

impl KeyNames {
    pub(super) fn new(map: KeyMap) -> Result<Self, ModelError> {
        map.0
            .iter()
            .map(|&(pattern, replacement)| Ok((compile(pattern)?, replacement)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The reference's key for a parameter's name.
    pub(super) fn key(&self, name: &str) -> String {
        self.next_key(name, &mut self.nothing_matched())
    }

    fn nothing_matched(&self) -> Matched {
        vec![Vec::new(); self.0.len()]
    }

    fn next_key(&self, name: &str, matched: &mut Matched) -> String {
        let mut key = name.to_owned();
        for ((regex, replacement), matched) in self.0.iter().zip(matched) {
            let replace = |captures: &Captures<'_>| {
                let mut new = String::new();
                captures.expand(replacement, &mut new);
                if new.contains(NUMBER) { new.replace(NUMBER, &number(&captures[0], matched).to_string()) } else { new }
            };
            if let Cow::Owned(replaced) = regex.replace_all(&key, replace) {
                key = replaced;
            }
        }
        key
    }

    /// The keys of all slots, in their order; no two are equal.
    pub(super) fn keys(&self, slots: &[ParameterSlot]) -> Result<Vec<String>, ModelError> {
        let mut matched = self.nothing_matched();
        let keys: Vec<String> = slots.iter().map(|slot| self.next_key(&slot.name, &mut matched)).collect();
        let mut seen = HashSet::new();
        match keys.iter().find(|key| !seen.insert(key.as_str())) {
            None => Ok(keys),
            Some(twice) => Err(ModelError::Other {
                what: format!("the model's key map gives {twice:?} to two parameters"),
                source: None,
            }),
        }
    }
}

/// The position of a text among those that were matched, where it is put if it is new.
fn number(text: &str, matched: &mut Vec<String>) -> usize {
    matched.iter().position(|known| known == text).unwrap_or_else(|| {
        matched.push(text.to_owned());
        matched.len() - 1
    })
}

/// Patterns of keys.
#[derive(Debug)]
pub(super) struct KeyPatterns(Vec<Regex>);

impl KeyPatterns {
    pub(super) fn new(patterns: &[&str]) -> Result<Self, ModelError> {
        patterns.iter().map(|pattern| compile(pattern)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether one of them is found in the key.
    pub(super) fn matches(&self, key: &str) -> bool {
        self.0.iter().any(|pattern| pattern.is_match(key))
    }
}

fn compile(pattern: &str) -> Result<Regex, ModelError> {
    Regex::new(pattern).map_err(|source| ModelError::Other {
        what: format!("the model's key map has an invalid pattern {pattern:?}"),
        source: Some(source.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_apply_in_order() {
        let names = KeyNames::new(KeyMap(&[(r"^backbone\.", ""), (r"^conv(\d)\.norm\.", "bn$1.")])).expect("valid");
        assert_eq!(names.key("backbone.conv1.norm.weight"), "bn1.weight");
        assert_eq!(names.key("conv1.norm.backbone.weight"), "bn1.backbone.weight");
    }

    #[test]
    fn blocks_are_numbered_in_order() {
        let names = KeyNames::new(KeyMap(&[(r"^stages\.\d+\.(\d+)\.", "blocks.$#.$1.")])).expect("valid");
        let mut matched = names.nothing_matched();
        let keys = ["stages.1.0.a", "stages.1.0.b", "stages.1.1.a", "stages.4.0.a"]
            .map(|name| names.next_key(name, &mut matched));
        assert_eq!(keys, ["blocks.0.0.a", "blocks.0.0.b", "blocks.1.1.a", "blocks.2.0.a"]);
    }

    #[test]
    fn an_invalid_pattern_is_named() {
        let error = KeyNames::new(KeyMap(&[("(", "")])).expect_err("an open group");
        assert_eq!(error.to_string(), "the model's key map has an invalid pattern \"(\"");
    }
}
