//! The settings that a sweep tries.

use std::collections::BTreeMap;

use mvl::core::SampleRng;
use serde::{Deserialize, Serialize};
use toml::Value;

/// What one setting may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Range {
    /// One of these: `{ values = [32, 64] }`.
    Values(Vec<Value>),
    /// Any number between two, each as likely as another: `{ uniform = [0.0, 0.3] }`.
    Uniform([f64; 2]),
    /// Any number between two, each order of magnitude as likely as another: `{ log = [1e-4, 1e-1] }`.
    Log([f64; 2]),
    /// Any whole number from one to another: `{ whole = [1, 4] }`.
    Whole([i64; 2]),
}

impl Range {
    pub(crate) fn problem(&self, grid: bool) -> Option<String> {
        match self {
            Self::Values(values) if values.is_empty() => Some("values: expected at least one".to_owned()),
            Self::Uniform([low, high]) if !(low < high && low.is_finite() && high.is_finite()) => {
                Some(format!("uniform: expected a lower and a higher number, got {low} and {high}"))
            }
            Self::Log([low, high]) if !(*low > 0.0 && low < high && high.is_finite()) => {
                Some(format!("log: expected two positive numbers, the lower first, got {low} and {high}"))
            }
            Self::Whole([low, high]) if low > high => {
                Some(format!("whole: expected the lower number first, got {low} and {high}"))
            }
            Self::Uniform(_) | Self::Log(_) if grid => {
                Some("expected values or whole in a grid, which has no end otherwise".to_owned())
            }
            _ => None,
        }
    }

    fn draw(&self, rng: &mut SampleRng) -> Value {
        match self {
            Self::Values(values) => values[rng.below(values.len())].clone(),
            Self::Uniform([low, high]) => Value::Float(rng.between(*low, *high)),
            Self::Log([low, high]) => Value::Float(rng.between(low.ln(), high.ln()).exp()),
            Self::Whole([low, high]) => {
                let choices = usize::try_from(high - low).unwrap_or(usize::MAX - 1) + 1;
                Value::Integer(low + rng.below(choices) as i64)
            }
        }
    }

    /// All values, of those that have an end.
    fn all(&self) -> Vec<Value> {
        match self {
            Self::Values(values) => values.clone(),
            Self::Whole([low, high]) => (*low..=*high).map(Value::Integer).collect(),
            Self::Uniform(_) | Self::Log(_) => Vec::new(),
        }
    }
}

/// Settings of one trial, by their paths.
pub(crate) type Settings = BTreeMap<String, Value>;

/// All settings with what they may be.
#[derive(Debug, Clone)]
pub(crate) struct Space {
    parameters: BTreeMap<String, Range>,
    seed: u64,
    grid: bool,
}

/// Keeps the numbers of sweeps apart from others of the same seed.
const STREAM: u64 = u64::from_le_bytes(*b"sweep\0\0\0");

impl Space {
    pub(crate) fn new(parameters: BTreeMap<String, Range>, seed: u64, grid: bool) -> Self {
        Self { parameters, seed, grid }
    }

    /// How many points a grid has; `None` where there is no end.
    pub(crate) fn points(&self) -> Option<usize> {
        let counts = || self.parameters.values().map(|range| range.all().len());
        self.grid.then(|| counts().try_fold(1_usize, usize::checked_mul).unwrap_or(usize::MAX))
    }

    /// The settings of trial `number`, whatever the others are: drawn from the seed, or the grid's point, of which the last setting changes
    /// fastest.
    pub(crate) fn settings(&self, number: usize) -> Settings {
        if !self.grid {
            let mut rng = SampleRng::new([self.seed, number as u64, 0, STREAM]);
            return self.parameters.iter().map(|(path, range)| (path.clone(), range.draw(&mut rng))).collect();
        }
        let mut rest = number;
        let mut settings = Settings::new();
        for (path, range) in self.parameters.iter().rev() {
            let values = range.all();
            settings.insert(path.clone(), values[rest % values.len()].clone());
            rest /= values.len();
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(grid: bool) -> Space {
        let values = |list: &[i64]| Range::Values(list.iter().map(|value| Value::Integer(*value)).collect());
        let parameters = match grid {
            true => vec![("a", values(&[1, 2])), ("b", Range::Whole([5, 7]))],
            false => vec![("rate", Range::Log([1e-4, 1e-1])), ("share", Range::Uniform([0.0, 0.5]))],
        };
        let parameters = parameters.into_iter().map(|(path, range)| (path.to_owned(), range)).collect();
        Space::new(parameters, 3, grid)
    }

    #[test]
    fn a_grid_has_every_combination_once() {
        let space = space(true);
        assert_eq!(space.points(), Some(6));
        let pair = |number| {
            let settings = space.settings(number);
            (settings["a"].as_integer().expect("whole"), settings["b"].as_integer().expect("whole"))
        };
        assert_eq!((0..6).map(pair).collect::<Vec<_>>(), [(1, 5), (1, 6), (1, 7), (2, 5), (2, 6), (2, 7)]);
    }

    #[test]
    fn a_trial_draws_the_same_whatever_came_before() {
        let space = space(false);
        assert_eq!(space.points(), None);
        let rates: Vec<f64> =
            (0..400).map(|number| space.settings(number)["rate"].as_float().expect("a rate")).collect();
        assert!(rates.iter().all(|rate| (1e-4..1e-1).contains(rate)));
        let below = rates.iter().filter(|rate| **rate < 1e-3).count();
        assert!((100..170).contains(&below), "a third of three orders of magnitude, got {below} of 400");
        assert_eq!(space.settings(17), space.settings(17));
        assert_ne!(space.settings(17), space.settings(18));
    }
}
