//! What is wrong with settings, gathered field by field.

use std::fmt::Display;

/// One line for each problem: `momentum: expected 0 to below 1, got 2`.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<String>);

impl Problems {
    /// Takes note when `right` is false.
    pub(crate) fn expect(&mut self, right: bool, field: &str, expected: &str, got: impl Display) {
        if !right {
            self.0.push(format!("{field}: expected {expected}, got {got}"));
        }
    }

    /// Above 0.
    pub(crate) fn positive(&mut self, field: &str, value: f64) {
        self.expect(value > 0.0 && value.is_finite(), field, "a positive number", value);
    }

    /// 0 or above.
    pub(crate) fn not_negative(&mut self, field: &str, value: f64) {
        self.expect(value >= 0.0 && value.is_finite(), field, "0 or more", value);
    }

    /// From 0 to 1.
    pub(crate) fn share(&mut self, field: &str, value: f64) {
        self.expect((0.0..=1.0).contains(&value), field, "0 to 1", value);
    }

    /// From 0 to below 1.
    pub(crate) fn below_one(&mut self, field: &str, value: f64) {
        self.expect((0.0..1.0).contains(&value), field, "0 to below 1", value);
    }

    /// Between 0 and 1.
    pub(crate) fn between_zero_and_one(&mut self, field: &str, value: f64) {
        self.expect(value > 0.0 && value < 1.0, field, "a number between 0 and 1", value);
    }

    /// A count that is not 0.
    pub(crate) fn at_least_one(&mut self, field: &str, count: usize) {
        self.expect(count > 0, field, "at least 1", count);
    }

    /// Problems of a part, under its name and a separator: `parts[1].` or `rest.`.
    pub(crate) fn within(&mut self, place: &str, problems: Vec<String>) {
        self.0.extend(problems.into_iter().map(|problem| format!("{place}{problem}")));
    }

    /// All of them.
    pub(crate) fn list(self) -> Vec<String> {
        self.0
    }
}
