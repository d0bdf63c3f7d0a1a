//! Reads a config file strictly and lists every mistake at once.
//!
//! serde stops at the first mistake. So a mistake's path is noted, its key taken out, and the rest read again, until what is
//! left is right.

use std::fmt;
use std::fs;
use std::path::Path;

use toml::{Table, Value};

use super::run_file::RunFile;

/// Everything that is wrong with a config, one line each, with the path of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblems {
    problems: Vec<String>,
}

impl ConfigProblems {
    pub(crate) fn new(problems: Vec<String>) -> Self {
        Self { problems }
    }

    /// The problems, as `path.of.key: what is wrong`.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for ConfigProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        write!(f, "the config has {count} problem{}", if count == 1 { "" } else { "s" })?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for ConfigProblems {}

/// A `path.of.key=value` from the command line; the value is TOML, or a string if it is not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Override {
    path: Vec<String>,
    value: Value,
}

impl Override {
    pub(crate) fn new(path: &str, value: impl Into<Value>) -> Self {
        Self { path: path.split('.').map(str::to_owned).collect(), value: value.into() }
    }
}

impl std::str::FromStr for Override {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as train.epochs=20")?;
        if path.is_empty() || path.split('.').any(str::is_empty) {
            return Err(format!("expected a key such as train.epochs, got {path:?}"));
        }
        let value = toml::from_str::<Table>(&format!("value = {value}"))
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| Value::String(value.to_owned()));
        Ok(Self::new(path, value))
    }
}

/// What `[train.optimizer]` means without a name.
const DEFAULT_OPTIMIZER: &str = "sgd";

/// The largest config file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Reads a config file, if one is given, and lays the overrides over it.
pub(crate) fn read_run_file(path: Option<&Path>, overrides: Vec<Override>) -> anyhow::Result<RunFile> {
    let mut table = match path {
        Some(path) => read_table(path)?,
        None => Table::new(),
    };
    let mut problems = Vec::new();
    for Override { path, value } in overrides {
        if let Err(problem) = set(&mut table, &path, value) {
            problems.push(problem);
        }
    }
    name_the_optimizer(&mut table);
    let file = parse(table, &mut problems);
    if problems.is_empty() { Ok(file) } else { Err(ConfigProblems::new(problems).into()) }
}

fn read_table(path: &Path) -> anyhow::Result<Table> {
    use anyhow::Context;
    let context = || format!("cannot read config {}", path.display());
    let size = fs::metadata(path).with_context(context)?.len();
    anyhow::ensure!(size <= MAX_BYTES, "{}: expected at most {MAX_BYTES} bytes, got {size}", context());
    let text = fs::read_to_string(path).with_context(context)?;
    toml::from_str(&text).map_err(|error| ConfigProblems::new(vec![format!("{}: {error}", path.display())]).into())
}

/// A rate without an optimiser's name, such as from `--learning-rate`, is for the default optimiser.
fn name_the_optimizer(table: &mut Table) {
    let train = table.get_mut("train").and_then(Value::as_table_mut);
    if let Some(optimizer) = train.and_then(|train| train.get_mut("optimizer")).and_then(Value::as_table_mut) {
        optimizer.entry("name").or_insert_with(|| Value::String(DEFAULT_OPTIMIZER.to_owned()));
    }
}

fn set(table: &mut Table, path: &[String], value: Value) -> Result<(), String> {
    let (last, parents) = path.split_last().expect("an override has a key");
    let mut here = table;
    for parent in parents {
        let next = here.entry(parent).or_insert_with(|| Value::Table(Table::new()));
        here = next.as_table_mut().ok_or_else(|| format!("{}: {parent} is not a table", path.join(".")))?;
    }
    here.insert(last.clone(), value);
    Ok(())
}

/// Reads what can be read and notes the rest.
fn parse(mut table: Table, problems: &mut Vec<String>) -> RunFile {
    loop {
        let error = match serde_path_to_error::deserialize::<_, RunFile>(Value::Table(table.clone())) {
            Ok(file) => return file,
            Err(error) => error,
        };
        let path = error.path().to_string();
        let what = error.inner().to_string().trim().replace('\n', " ");
        let segments: Vec<_> = error.path().iter().map(ToString::to_string).collect();
        let segments = with_unknown_field(segments, &what);
        problems.push(format!("{}: {what}", if segments.is_empty() { path } else { segments.join(".") }));
        if !remove(&mut table, &segments) {
            return RunFile::default();
        }
    }
}

/// serde names an unknown field in its message; the path then ends at the table, so the field is added to it.
fn with_unknown_field(mut segments: Vec<String>, what: &str) -> Vec<String> {
    if let Some(field) = what.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next())
        && segments.last().is_none_or(|last| last != field)
    {
        segments.push(field.to_owned());
    }
    segments
}

/// Takes the value at a path out, or the nearest one above that exists. False when nothing could be taken.
fn remove(table: &mut Table, segments: &[String]) -> bool {
    let Some((first, rest)) = segments.split_first() else { return false };
    if let Some(Value::Table(inner)) = table.get_mut(first)
        && remove(inner, rest)
    {
        return true;
    }
    table.remove(first).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_listed_with_its_path() {
        let text = "
            vresion = 1
            [data]
            path = \"photos\"
            bach_size = 3
            workers = \"two\"
            [train]
            epochs = -1
        ";
        let mut problems = Vec::new();
        let file = parse(toml::from_str(text).expect("valid TOML"), &mut problems);
        assert_eq!(file.data.path.as_deref(), Some("photos"));
        let paths: Vec<_> = problems.iter().filter_map(|problem| problem.split(':').next()).collect();
        assert_eq!(paths.len(), 4, "{problems:#?}");
        for path in ["vresion", "data.bach_size", "data.workers", "train.epochs"] {
            assert!(paths.contains(&path), "{path} is not among {problems:#?}");
        }
    }

    #[test]
    fn overrides_are_toml_or_else_text() {
        let set = |text: &str| text.parse::<Override>().expect("an override").value;
        assert_eq!(set("train.epochs=3"), Value::Integer(3));
        assert_eq!(set("data.path=photos"), Value::String("photos".to_owned()));
        assert_eq!(set("data.image_size=[28, 28]").as_array().map(Vec::len), Some(2));
        assert!("train.epochs".parse::<Override>().is_err());
    }
}
