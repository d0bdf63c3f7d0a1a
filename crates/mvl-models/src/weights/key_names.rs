//! From this project's parameter names to the keys of the reference implementation.

use std::collections::HashSet;

use mvl_core::{KeyMap, ModelError};
use regex::Regex;

use super::parameters::ParameterSlot;

/// A [`KeyMap`] with its patterns compiled.
#[derive(Debug)]
pub(super) struct KeyNames(Vec<(Regex, &'static str)>);

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
        let mut key = name.to_owned();
        for (regex, replacement) in &self.0 {
            if let std::borrow::Cow::Owned(replaced) = regex.replace_all(&key, *replacement) {
                key = replaced;
            }
        }
        key
    }

    /// The keys of all slots, in their order; no two are equal.
    pub(super) fn keys(&self, slots: &[ParameterSlot]) -> Result<Vec<String>, ModelError> {
        let keys: Vec<String> = slots.iter().map(|slot| self.key(&slot.name)).collect();
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
    fn an_invalid_pattern_is_named() {
        let error = KeyNames::new(KeyMap(&[("(", "")])).expect_err("an open group");
        assert_eq!(error.to_string(), "the model's key map has an invalid pattern \"(\"");
    }
}
