//! What can be wrong with the numbers of a loss, as `field: expected …, got …`.

/// A share of something, less than all of it.
pub(super) fn share_problem(field: &str, value: f64) -> Option<String> {
    (!(0.0..1.0).contains(&value)).then(|| format!("{field}: expected 0 to below 1, got {value}"))
}

/// An exponent of a focus.
pub(super) fn exponent_problem(field: &str, value: f64) -> Option<String> {
    (!(value.is_finite() && value >= 0.0)).then(|| format!("{field}: expected a number from 0, got {value}"))
}

/// How much each class counts.
pub(super) fn weights_problem(field: &str, weights: &[f32]) -> Option<String> {
    let bad = weights.iter().find(|weight| !(weight.is_finite() && **weight >= 0.0))?;
    Some(format!("{field}: expected numbers from 0, got {bad}"))
}

/// # Panics
/// If there are any.
pub(super) fn assert_no_problems(problems: Vec<String>) {
    assert!(problems.is_empty(), "{}", problems.join("; "));
}
