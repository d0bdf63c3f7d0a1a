//! A validation as a report: JSON for programs, a page for people. Both say the same.

mod base64;
mod checks;
mod escape;
mod histogram;
mod page;
mod pictures;
mod samples;
mod style;

use std::collections::BTreeSet;

use serde::Serialize;

use super::check::{Check, Severity};
use super::finding::Place;
use super::outcome::ValidationOutcome;
use super::policy::{Action, Policy};
use super::run::Part;

/// The version of the JSON report's layout. It grows when a field changes its meaning or goes; a new field leaves it.
pub const REPORT_SCHEMA: u32 = 1;

/// A validation's outcome with what a reader needs to understand it.
///
/// As JSON: `schema`, `name`, `failed`, `policy` (the numbers and the actions that differ from the defaults), `checks` (every check with
/// its title, severity, action and counts), and the fields of [`ValidationOutcome`]: `splits`, `classes`, `findings`, `fixed`,
/// `quarantined`. It holds no time and no machine, so the same data give the same report.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use mvl_data::{Policy, Split, ValidationReport, fashion_mnist_part, validate};
/// let parts = [(Split::Test, Arc::new(fashion_mnist_part(Split::Test)?) as _)];
/// let policy = Policy::default();
/// let outcome = validate(&parts, &policy, 2, || {})?;
/// let report = ValidationReport::new("clothes", &outcome, &policy);
/// assert!(report.to_html(&parts).starts_with("<!DOCTYPE html>"));
/// assert!(serde_json::to_string(&report).is_ok());
/// # Ok::<(), mvl_core::DataError>(())
/// ```
#[derive(Debug, Serialize)]
pub struct ValidationReport<'a> {
    schema: u32,
    name: &'a str,
    failed: bool,
    policy: &'a Policy,
    checks: Vec<CheckCount>,
    #[serde(flatten)]
    outcome: &'a ValidationOutcome,
}

/// How often a check found something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckCount {
    /// The check.
    pub check: Check,
    /// What it looks for, for people.
    pub title: &'static str,
    /// How bad its findings are.
    pub severity: Severity,
    /// What the policy does about them.
    pub action: Action,
    /// How many things it found.
    pub findings: usize,
    /// In how many samples.
    pub samples: usize,
}

impl<'a> ValidationReport<'a> {
    /// A report on a data set of this name.
    #[must_use]
    pub fn new(name: &'a str, outcome: &'a ValidationOutcome, policy: &'a Policy) -> Self {
        let checks = Check::ALL.into_iter().map(|check| {
            let found = || outcome.findings.iter().filter(|finding| finding.check == check);
            let samples: BTreeSet<&Place> = found().filter_map(|finding| finding.sample.as_ref()).collect();
            let (title, severity, action) = (check.title(), check.severity(), policy.action(check));
            CheckCount { check, title, severity, action, findings: found().count(), samples: samples.len() }
        });
        let checks = checks.collect();
        Self { schema: REPORT_SCHEMA, name, failed: outcome.has_failed(), policy, checks, outcome }
    }

    /// Every check with what it found, in the order of [`Check::ALL`].
    #[must_use]
    pub fn checks(&self) -> &[CheckCount] {
        &self.checks
    }

    /// The page: one file that needs no other and no script. Pictures of what was found are read from the parts again; those
    /// that cannot be read are told in words.
    #[must_use]
    pub fn to_html(&self, parts: &[Part]) -> String {
        page::page(self, parts)
    }
}
