//! Reads a config file strictly and lists every mistake at once.
//!
//! serde stops at the first mistake. So a mistake's path is noted, its key taken out, and the rest read again, until what is
//! left is right.

use std::fmt;
use std::fs;
use std::path::Path;

use mvl::core::Registry;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use toml::{Table, Value};

use super::origins::Origins;
use super::run_config::{RunConfig, StartingPoint};
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

    /// The same, each with where its key comes from.
    pub(crate) fn told_from(mut self, origins: &Origins) -> Self {
        for problem in &mut self.problems {
            if let Some(origin) = origins.of(problem.split(": ").next().unwrap_or_default()) {
                problem.push_str(&format!(" (from {origin})"));
            }
        }
        self
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
    /// Where it was read from: a variable, the command line.
    origin: Option<String>,
}

impl Override {
    pub(crate) fn new(path: &str, value: impl Into<Value>) -> Self {
        Self { path: path.split('.').map(str::to_owned).collect(), value: value.into(), origin: None }
    }

    /// The value is TOML, or a string if it is not.
    pub(crate) fn from_text(path: &str, value: &str) -> Self {
        let value = toml::from_str::<Table>(&format!("value = {value}"))
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| Value::String(value.to_owned()));
        Self::new(path, value)
    }

    /// Names the variable that it was read from, or the command line, for messages.
    pub(crate) fn read_from(self, origin: impl Into<String>) -> Self {
        Self { origin: Some(origin.into()), ..self }
    }
}

impl std::str::FromStr for Override {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as train.epochs=20")?;
        if path.is_empty() || path.split('.').any(str::is_empty) {
            return Err(format!("expected a key such as train.epochs, got {path:?}"));
        }
        Ok(Self::from_text(path, value))
    }
}

/// What `[train.optimizer]` means without a name.
const DEFAULT_OPTIMIZER: &str = "sgd";

/// The largest config file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Reads a config file, if one is given, lays the overrides over it, and resolves the result: all problems of all stages at once.
pub(crate) fn read_config(
    path: Option<&Path>,
    overrides: Vec<Override>,
    registry: &Registry,
    start: StartingPoint,
) -> anyhow::Result<RunConfig> {
    let (file, problems, origins): (RunFile, _, _) = read_layers(path, overrides, name_the_optimizer)?;
    RunConfig::resolve_from(file, registry, start, problems).map_err(|problems| problems.told_from(&origins).into())
}

/// Reads a file, if one is given, with the overrides laid over it; lists what is wrong, and says where each setting comes from.
pub(crate) fn read_layers<T: DeserializeOwned + Default>(
    path: Option<&Path>,
    overrides: Vec<Override>,
    complete: impl Fn(&mut Table),
) -> anyhow::Result<(T, Vec<String>, Origins)> {
    let mut table = match path {
        Some(path) => read_table(path)?,
        None => Table::new(),
    };
    let mut problems = Vec::new();
    let mut origins = Origins::of_file(path.map(|path| (path.to_owned(), table.clone())));
    for Override { path, value, origin } in overrides {
        if let Err(problem) = set(&mut table, &path, value) {
            problems.push(problem);
        }
        origins.lay_over(path.join("."), origin);
    }
    let file = parse(table, &mut problems, complete);
    Ok((file, problems, origins))
}

/// Reads another file of the same strictness; `check` says what is wrong with a value that could be read.
pub(crate) fn read_strictly<T: DeserializeOwned + Default>(
    path: &Path,
    check: impl FnOnce(&T) -> Vec<String>,
) -> anyhow::Result<T> {
    let mut problems = Vec::new();
    let value = parse(read_table(path)?, &mut problems, |_| {});
    problems.extend(check(&value));
    if problems.is_empty() { Ok(value) } else { Err(ConfigProblems::new(problems).into()) }
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

/// Reads what can be read and notes the rest. `complete` puts in what goes without saying.
fn parse<T: DeserializeOwned + Default>(
    mut table: Table,
    problems: &mut Vec<String>,
    complete: impl Fn(&mut Table),
) -> T {
    loop {
        complete(&mut table);
        let error = match serde_path_to_error::deserialize::<_, T>(Value::Table(table.clone())) {
            Ok(file) => return file,
            Err(error) => error,
        };
        let what = error.inner().to_string();
        let what = what.trim().lines().next().unwrap_or_default();
        let mut steps: Vec<Step> = error.path().iter().filter_map(Step::new).collect();
        add_unknown_field(&mut steps, what);
        problems.push(format!("{}: {what}", join(&steps)));
        if !remove_from_table(&mut table, &steps) {
            return T::default();
        }
    }
}

/// One step of a path into a config.
enum Step {
    Key(String),
    Index(usize),
}

impl Step {
    fn new(segment: &Segment) -> Option<Self> {
        match segment {
            Segment::Seq { index } => Some(Self::Index(*index)),
            Segment::Map { key } => Some(Self::Key(key.clone())),
            _ => None,
        }
    }
}

/// `data.augment[0].p`
fn join(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Key(key) if path.is_empty() => path.push_str(key),
            Step::Key(key) => path.extend([".", key]),
            Step::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

/// serde names an unknown field in its message; where the path ends at the table, the field is added to it.
fn add_unknown_field(steps: &mut Vec<Step>, what: &str) {
    let Some(field) = what.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) else { return };
    if !matches!(steps.last(), Some(Step::Key(last)) if last == field) {
        steps.push(Step::Key(field.to_owned()));
    }
}

/// Takes the value at a path out, or the nearest one above that exists. False when nothing could be taken.
fn remove_from_table(table: &mut Table, steps: &[Step]) -> bool {
    let Some((Step::Key(key), rest)) = steps.split_first() else { return false };
    let inside = table.get_mut(key).is_some_and(|value| remove_inside(value, rest));
    inside || table.remove(key).is_some()
}

fn remove_inside(value: &mut Value, steps: &[Step]) -> bool {
    match (value, steps) {
        (Value::Table(table), [Step::Key(_), ..]) => remove_from_table(table, steps),
        (Value::Array(array), [Step::Index(index), rest @ ..]) if *index < array.len() => {
            // Without a key its element may no longer be one; then the next round takes the element.
            let inside = remove_inside(&mut array[*index], rest);
            if !inside {
                array.remove(*index);
            }
            true
        }
        _ => false,
    }
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
        let file: RunFile = parse(toml::from_str(text).expect("valid TOML"), &mut problems, name_the_optimizer);
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
