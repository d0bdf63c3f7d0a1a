//! What a model on the command line is called, and what is served when none is named.

use std::path::Path;

use anyhow::Context;

use super::sources::pinned;
use crate::workspace::existing;

/// What is served when nothing is named: what `mvl demo` leaves behind.
const DEMO: [&str; 2] = ["models:/demo/1", "runs/demo"];

/// `NAME=SOURCE`, or a source that has a name in it.
pub(super) fn named(model: &str) -> (String, String) {
    if let Some((name, source)) = model.split_once('=') {
        return (name.to_owned(), source.to_owned());
    }
    let name = match model.strip_prefix("models:/") {
        Some(registered) => registered.split(['@', '/']).next().unwrap_or(registered),
        None => model.trim_end_matches('/').rsplit('/').next().unwrap_or(model),
    };
    let plain = name.chars().map(|char| if char.is_ascii_alphanumeric() || "_-.".contains(char) { char } else { '-' });
    (plain.collect(), model.to_owned())
}

/// The demo's model, wherever it is.
pub(super) fn demo() -> anyhow::Result<(String, String)> {
    let there = |source: &&&str| match source.strip_prefix("models:/") {
        Some(_) => existing().is_ok() && pinned(source).is_ok(),
        None => Path::new(source).is_dir(),
    };
    let source = DEMO.iter().find(there).context("nothing to serve: name a model, or make one by `mvl demo`")?;
    Ok(("demo".to_owned(), (*source).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_have_names() {
        for (model, name, source) in [
            ("a=runs/b", "a", "runs/b"),
            ("runs/demo/", "demo", "runs/demo/"),
            ("models:/shoes@champion", "shoes", "models:/shoes@champion"),
            ("models:/shoes/3", "shoes", "models:/shoes/3"),
            ("identity:FP32", "identity-FP32", "identity:FP32"),
        ] {
            assert_eq!(named(model), (name.to_owned(), source.to_owned()));
        }
    }
}
