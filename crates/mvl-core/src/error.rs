//! What every area's error enum is built from.

/// Any error, for the `Other` door that extension authors use.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The known name nearest to a misspelt one, for "did you mean".
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const SIMILAR: f64 = 0.7; // Jaro-Winkler, 1 is equal
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(typed, name), name))
        .filter(|(similarity, _)| *similarity > SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
