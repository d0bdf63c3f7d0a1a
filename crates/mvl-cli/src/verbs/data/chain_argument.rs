//! A chain of transforms as typed: a recipe's path, names, or a list as in a recipe.

use std::path::Path;

use mvl::data::{Chain, TransformConfig};
use serde::Deserialize;
use toml::{Table, Value};

/// The steps of a chain.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ChainArgument(Vec<TransformConfig>);

/// The largest recipe that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

impl ChainArgument {
    /// The chain, unless its numbers are wrong.
    pub(super) fn build(&self) -> anyhow::Result<Chain> {
        Ok(Chain::from_config(&self.0)?)
    }
}

impl std::str::FromStr for ChainArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let steps = if text.ends_with(".toml") {
            of_recipe(Path::new(text))?
        } else if text.starts_with('[') {
            of_list(text)?
        } else {
            of_names(text)
        };
        let steps = Vec::<TransformConfig>::deserialize(steps).map_err(|error| error.to_string().trim().to_owned())?;
        Ok(Self(steps))
    }
}

/// `data.augment` of a recipe, or `augment` of a file of its own.
fn of_recipe(path: &Path) -> Result<Value, String> {
    let cannot = |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", path.display());
    let size = std::fs::metadata(path).map_err(|error| cannot(&error))?.len();
    if size > MAX_BYTES {
        return Err(cannot(&format!("expected at most {MAX_BYTES} bytes, got {size}")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| cannot(&error))?;
    let mut table: Table = toml::from_str(&text).map_err(|error| cannot(&error))?;
    let in_recipe = table.get_mut("data").and_then(Value::as_table_mut).and_then(|data| data.remove("augment"));
    in_recipe
        .or_else(|| table.remove("augment"))
        .ok_or_else(|| cannot(&"expected data.augment or augment, got neither"))
}

/// A list in TOML, or in JSON.
fn of_list(text: &str) -> Result<Value, String> {
    match toml::from_str::<Table>(&format!("augment = {text}")) {
        Ok(mut table) => Ok(table.remove("augment").unwrap_or(Value::Array(Vec::new()))),
        Err(error) => serde_json::from_str(text).map_err(|_| error.message().to_owned()),
    }
}

/// Names with commas between, each with its default settings.
fn of_names(text: &str) -> Value {
    let step =
        |name: &str| Value::Table(Table::from_iter([("name".to_owned(), Value::String(name.trim().to_owned()))]));
    Value::Array(text.split(',').filter(|name| !name.trim().is_empty()).map(step).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<usize, String> {
        text.parse::<ChainArgument>().map(|chain| chain.0.len())
    }

    #[test]
    fn three_ways_to_say_it() {
        assert_eq!(parse("random_horizontal_flip, random_vertical_flip"), Ok(2));
        assert_eq!(parse("[{name = \"random_crop\", size = 32}]"), Ok(1));
        assert_eq!(parse("[{\"name\": \"random_crop\", \"size\": 32}]"), Ok(1));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("recipe.toml");
        std::fs::write(&path, "[[data.augment]]\nname = \"random_horizontal_flip\"\n").expect("written");
        assert_eq!(parse(path.to_str().expect("UTF-8")), Ok(1));
        std::fs::write(&path, "[data]\nworkers = 2\n").expect("written");
        assert!(parse(path.to_str().expect("UTF-8")).is_err_and(|error| error.ends_with("got neither")));
    }

    #[test]
    fn mistakes_are_named() {
        assert!(parse("random_flip").is_err_and(|error| error.contains("unknown variant `random_flip`")));
        assert!(parse("[{name = ").is_err());
        assert!(parse("no/such.toml").is_err_and(|error| error.starts_with("cannot read no/such.toml")));
    }
}
