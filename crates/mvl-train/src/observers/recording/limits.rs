//! What trackers take, which is what MLflow takes: names and lengths (`mlflow/utils/validation.py`), and settings made to fit.

use std::collections::BTreeSet;

use serde_json::Value;

/// Characters of a name.
const MAX_NAME_CHARS: usize = 250;
/// Characters of a parameter.
const MAX_PARAM_CHARS: usize = 6_000;
/// Characters of a tag; servers before 2.13 take no more.
const MAX_TAG_CHARS: usize = 5_000;

/// Settings as parameters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Params {
    /// Names and values.
    pub(crate) list: Vec<(String, String)>,
    /// The names of those that were cut.
    pub(crate) cut: Vec<String>,
}

impl Params {
    /// Every setting under its path, `train.optimizer.name`; lists as JSON.
    pub(crate) fn of(settings: &Value) -> Self {
        let (mut params, mut names) = (Self::default(), BTreeSet::new());
        params.add("", settings, &mut names);
        params
    }

    fn add(&mut self, path: &str, value: &Value, names: &mut BTreeSet<String>) {
        let text = match value {
            Value::Object(fields) => {
                for (field, value) in fields {
                    let path = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
                    self.add(&path, value, names);
                }
                return;
            }
            Value::Null if path.is_empty() => return,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut name = name(if path.is_empty() { "settings" } else { path });
        while !names.insert(name.clone()) {
            name = cut(&name, MAX_NAME_CHARS - 1) + "_"; // another path came to the same name
        }
        let short = cut(&text, MAX_PARAM_CHARS);
        if short.len() < text.len() {
            self.cut.push(name.clone());
        }
        self.list.push((name, short));
    }
}

/// A name that MLflow takes: others' characters become `_`.
pub(crate) fn name(wanted: &str) -> String {
    let allowed = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | ' ' | ':' | '/');
    let named: String = wanted.chars().map(|letter| if allowed(letter) { letter } else { '_' }).collect();
    let named = cut(&named, MAX_NAME_CHARS);
    // MLflow makes paths of names, and wants them to be what they seem.
    let is_path = named.split('/').all(|part| !matches!(part, "" | "." | ".."));
    match () {
        () if is_path => named,
        () if named.is_empty() || named == "." || named == ".." => "_".to_owned(),
        () => named.replace('/', "_"),
    }
}

/// A tag's value that MLflow takes.
pub(crate) fn tag(value: &str) -> String {
    cut(value, MAX_TAG_CHARS)
}

fn cut(text: &str, chars: usize) -> String {
    text.char_indices().nth(chars).map_or(text, |(end, _)| &text[..end]).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_flat_under_their_paths() {
        let settings = json!({"train": {"epochs": 3, "clip": null, "optimizer": {"name": "sgd"}}, "model": {"labels": ["a", "b"], "none": {}}});
        let params = Params::of(&settings);
        let expected = [
            ("train.epochs", "3"),
            ("train.clip", "null"),
            ("train.optimizer.name", "sgd"),
            ("model.labels", r#"["a","b"]"#),
        ];
        assert_eq!(params.list, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(Params::of(&Value::Null), Params::default());
    }

    #[test]
    fn long_values_are_cut_and_named() {
        let params = Params::of(&json!({"short": "ä".repeat(6_000), "long": "ä".repeat(6_001)}));
        assert!(params.list.iter().all(|(_, value)| value.chars().count() == 6_000));
        assert_eq!(params.cut, ["long"]);
    }

    #[test]
    fn names_fit_and_differ() {
        let table =
            [("ap/small", "ap/small"), ("a@b", "a_b"), ("/a", "_a"), ("a//b", "a__b"), ("../x", ".._x"), ("", "_")];
        for (wanted, got) in table {
            assert_eq!(name(wanted), got);
        }
        assert_eq!(name(&"x".repeat(300)).len(), 250);
        let params = Params::of(&json!({"a@": 1, "a#": 2, "a_": 3}));
        let names: Vec<_> = params.list.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a_", "a__", "a___"]);
    }
}
