//! [`Origins`]: where each setting of a config comes from: the file, a variable, the command line.

use std::path::PathBuf;

use toml::{Table, Value};

/// Where each setting of a config comes from.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    /// The file, and what it says.
    file: Option<(PathBuf, Value)>,
    /// Keys that were laid over it, the latest last, and from where; `None` where that is nobody's to know.
    over: Vec<(String, Option<String>)>,
}

impl Origins {
    /// A file with nothing laid over it.
    pub(super) fn of_file(file: Option<(PathBuf, Table)>) -> Self {
        Self { file: file.map(|(path, table)| (path, Value::Table(table))), over: Vec::new() }
    }

    /// A setting goes over what was there.
    pub(crate) fn lay_over(&mut self, key: String, origin: Option<String>) {
        self.over.push((key, origin));
    }

    /// Where a key such as `models[0].source` comes from.
    pub(super) fn of(&self, key: &str) -> Option<String> {
        let is_in = |path: &str| rest_of(key, path).is_some();
        if let Some((_, origin)) = self.over.iter().rev().find(|(path, _)| is_in(path)) {
            return origin.clone();
        }
        let (path, table) = self.file.as_ref()?;
        // What is missing in a list's entry is missing where the entry is.
        let entry = key.rfind(']').map(|end| &key[..=end]);
        let there = has(table, key) || entry.is_some_and(|entry| has(table, entry));
        there.then(|| path.display().to_string())
    }
}

/// What is left of a key behind one that it begins with.
fn rest_of<'a>(key: &'a str, beginning: &str) -> Option<&'a str> {
    key.strip_prefix(beginning).filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Whether a value has a key. Names may have dots in them.
fn has(value: &Value, key: &str) -> bool {
    let key = key.strip_prefix('.').unwrap_or(key);
    match value {
        _ if key.is_empty() => true,
        Value::Table(table) => {
            table.iter().any(|(name, inside)| rest_of(key, name).is_some_and(|rest| has(inside, rest)))
        }
        Value::Array(array) => {
            let index = key.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let inside = index.and_then(|(index, rest)| Some((array.get(index.parse::<usize>().ok()?)?, rest)));
            inside.is_some_and(|(inside, rest)| has(inside, rest))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_that_said_it_is_told() {
        let text = "
            slots = 1
            [gateway]
            address = \"x\"
            [upstreams.keys]
            \"10.0.0.1:80\" = 1
            [[models]]
            name = \"a\"
        ";
        let file = Some((PathBuf::from("serve.toml"), toml::from_str(text).expect("TOML")));
        let mut origins = Origins::of_file(file);
        let told = |origins: &Origins, key: &str| origins.of(key);
        for key in ["slots", "gateway.address", "upstreams.keys.10.0.0.1:80", "models[0].name", "models[0].source"] {
            assert_eq!(told(&origins, key).as_deref(), Some("serve.toml"), "{key}");
        }
        for key in ["gateway.drain_ms", "models[1].name", "slot", "slots.x"] {
            assert_eq!(told(&origins, key), None, "{key}");
        }
        origins.lay_over("gateway.address".to_owned(), Some("MVL_SERVE__GATEWAY__ADDRESS".to_owned()));
        assert_eq!(told(&origins, "gateway.address").as_deref(), Some("MVL_SERVE__GATEWAY__ADDRESS"));
        origins.lay_over("gateway".to_owned(), Some("the command line".to_owned()));
        origins.lay_over("slots".to_owned(), None);
        assert_eq!(told(&origins, "gateway.address").as_deref(), Some("the command line"));
        assert_eq!(told(&origins, "slots"), None);
    }
}
