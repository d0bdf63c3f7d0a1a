//! What a person writes to sweep over a recipe.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ranges::Range;

/// A sweep as a TOML file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SweepFile {
    /// Format of the file; 1.
    pub(crate) version: u32,
    /// The recipe that all trials begin with.
    pub(crate) recipe: PathBuf,
    /// Folder of the sweep; each trial has one in it.
    pub(crate) sweep_dir: PathBuf,
    /// How settings are picked, and trials ended early.
    pub(crate) strategy: StrategyFile,
    /// How many trials; a grid has as many as it has points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trials: Option<usize>,
    /// Decides what is picked.
    pub(crate) seed: u64,
    /// Trials at once; each gets its share of cores and memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parallel: Option<usize>,
    /// Epochs of a trial's first part, with `asha`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min_epochs: Option<usize>,
    /// Of so many trials one goes on to so many times the epochs, with `asha`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reduction: Option<usize>,
    /// Settings by their paths in the recipe.
    pub(crate) parameters: BTreeMap<String, Range>,
}

/// How settings are picked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StrategyFile {
    /// Every combination of values.
    Grid,
    /// Each drawn by itself.
    #[default]
    Random,
    /// Drawn, and only the better ones trained to the end (Li et al. 2018, <https://arxiv.org/abs/1810.05934>).
    Asha,
}

impl SweepFile {
    /// Everything that is wrong, each with its key.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.version != 1 {
            problems.push(format!("version: expected 1, got {}", self.version));
        }
        if self.recipe.as_os_str().is_empty() {
            problems.push("recipe: expected the path of a recipe".to_owned());
        }
        if self.sweep_dir.as_os_str().is_empty() {
            problems.push("sweep_dir: expected a folder".to_owned());
        }
        if self.parameters.is_empty() {
            problems.push("parameters: expected at least one setting to change".to_owned());
        }
        for (field, value, least) in [
            ("trials", self.trials, 1),
            ("parallel", self.parallel, 1),
            ("min_epochs", self.min_epochs, 1),
            ("reduction", self.reduction, 2),
        ] {
            if let Some(value) = value.filter(|value| *value < least) {
                problems.push(format!("{field}: expected at least {least}, got {value}"));
            }
        }
        if self.strategy != StrategyFile::Asha && (self.min_epochs.is_some() || self.reduction.is_some()) {
            problems.push("strategy: min_epochs and reduction belong to \"asha\"".to_owned());
        }
        for (path, range) in &self.parameters {
            let grid = self.strategy == StrategyFile::Grid;
            problems.extend(range.problem(grid).map(|problem| format!("parameters.{path:?}: {problem}")));
        }
        problems
    }
}
