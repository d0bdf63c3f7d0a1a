//! What is done about what is found: a file that a person writes.

use std::collections::BTreeMap;
use std::fmt;

use mvl_core::DataError;
use serde::{Deserialize, Serialize};

use super::check::Check;
use super::hash_index::MAX_DISTANCE_BITS;

/// What is done about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// The check is not run.
    Off,
    /// It is reported and the sample kept as it is.
    Note,
    /// The sample is mended and kept.
    Fix,
    /// The sample is left out, and listed with the reason.
    Skip,
    /// The sample is left out, and the data set as a whole is refused.
    Fail,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Note => "note",
            Self::Fix => "fix",
            Self::Skip => "skip",
            Self::Fail => "fail",
        })
    }
}

/// The file's version that is written and read.
const VERSION: u32 = 1;

/// An action for each check, and the numbers that some checks go by.
///
/// # Example
/// ```
/// use mvl_data::{Action, Check, Policy};
/// let policy: Policy = serde_json::from_str(r#"{"checks": {"cmyk": "skip"}, "near_duplicate_bits": 2}"#)?;
/// assert_eq!(policy.action(Check::Cmyk), Action::Skip);
/// assert_eq!(policy.action(Check::Leakage), Action::Fail); // the default
/// assert!(serde_json::from_str::<Policy>(r#"{"checks": {"cmky": "skip"}}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The version of this format, 1.
    pub version: u32,
    /// Actions by check; checks that are not named do what [`Check::default_action`] says.
    pub checks: BTreeMap<Check, Action>,
    /// In how many of the 64 bits the perceptual hashes of near duplicates differ at most, 0 to [`MAX_DISTANCE_BITS`]. The default of
    /// 3 costs next to nothing; at 8 the time begins to grow with the square of the number of samples.
    pub near_duplicate_bits: u32,
    /// From how many times the smallest class on the largest is too large.
    pub imbalance_ratio: f64,
    /// A class with fewer samples than this is rare.
    pub rare_class_samples: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: VERSION,
            checks: BTreeMap::new(),
            near_duplicate_bits: 3,
            imbalance_ratio: 10.0,
            rare_class_samples: 10,
        }
    }
}

impl Policy {
    /// Sets the action of a check.
    #[must_use]
    pub fn with(mut self, check: Check, action: Action) -> Self {
        self.checks.insert(check, action);
        self
    }

    /// What is done about a check's findings.
    #[must_use]
    pub fn action(&self, check: Check) -> Action {
        self.checks.get(&check).copied().unwrap_or(check.default_action())
    }

    /// Every problem, as `field: what is wrong`; empty when the policy can be used.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.version != VERSION {
            problems.push(format!("version: expected {VERSION}, got {}", self.version));
        }
        for (check, action) in &self.checks {
            match action {
                Action::Fix if !check.can_be_fixed() => {
                    problems.push(format!("checks.{check}: cannot be fixed, expected off, note, skip or fail"));
                }
                Action::Skip if !check.is_about_a_sample() => {
                    problems.push(format!("checks.{check}: is about no sample, expected off, note or fail"));
                }
                _ => {}
            }
        }
        if self.near_duplicate_bits > MAX_DISTANCE_BITS {
            let got = self.near_duplicate_bits;
            problems.push(format!("near_duplicate_bits: expected 0 to {MAX_DISTANCE_BITS}, got {got}"));
        }
        if self.imbalance_ratio.is_nan() || self.imbalance_ratio < 1.0 {
            problems.push(format!("imbalance_ratio: expected at least 1, got {}", self.imbalance_ratio));
        }
        problems
    }

    /// Refuses a policy with problems.
    ///
    /// # Errors
    /// [`DataError::Invalid`] with all of [`problems`](Self::problems).
    pub fn check(&self) -> Result<(), DataError> {
        match self.problems() {
            problems if problems.is_empty() => Ok(()),
            problems => Err(DataError::invalid(format!("the policy cannot be used: {}", problems.join("; ")))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named() {
        let policy = Policy {
            version: 2,
            near_duplicate_bits: 64,
            imbalance_ratio: f64::NAN,
            ..Policy::default().with(Check::Corrupt, Action::Fix).with(Check::RareClass, Action::Skip)
        };
        assert_eq!(
            policy.problems(),
            [
                "version: expected 1, got 2",
                "checks.corrupt: cannot be fixed, expected off, note, skip or fail",
                "checks.rare_class: is about no sample, expected off, note or fail",
                "near_duplicate_bits: expected 0 to 8, got 64",
                "imbalance_ratio: expected at least 1, got NaN",
            ]
        );
        assert!(policy.check().is_err() && Policy::default().check().is_ok());
    }

    #[test]
    fn a_misspelt_key_or_action_is_an_error() {
        for json in [r#"{"check": {}}"#, r#"{"checks": {"corupt": "skip"}}"#, r#"{"checks": {"corrupt": "mend"}}"#] {
            assert!(serde_json::from_str::<Policy>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn defaults_are_possible() {
        let every =
            Check::ALL.iter().fold(Policy::default(), |policy, &check| policy.with(check, check.default_action()));
        assert_eq!(every.problems(), [""; 0]);
    }
}
