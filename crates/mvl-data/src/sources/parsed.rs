//! What a parser made of a file: all that could be read, and what was wrong with the rest.

use std::fmt;
use std::path::Path;

use mvl_core::DataError;

use super::join_problems;

/// What was read, with the problems of what was not.
///
/// Every parser of annotations gives this, so that validation can list the problems of a file that training would refuse.
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use]
pub struct Parsed<T> {
    /// All that could be read; what has a problem is left out of it.
    pub value: T,
    /// What is wrong, in the order of the file.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong with a file of annotations.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Where in the file, such as `line 3` or `image "a.jpg", object 2`; empty when it is all of the file.
    pub place: String,
    /// What is wrong: expected before got.
    pub what: String,
}

impl<T> Parsed<T> {
    /// Notes a problem.
    pub(super) fn problem(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem::new(place, what));
    }

    /// The value, when nothing is wrong with the file that lies at this path.
    ///
    /// # Errors
    /// [`DataError::Format`] that lists the problems.
    pub fn strict(self, path: &Path) -> Result<T, DataError> {
        if self.problems.is_empty() {
            return Ok(self.value);
        }
        let problems: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
        Err(DataError::Format { path: path.to_owned(), what: join_problems(&problems) })
    }
}

impl<T: Default> Parsed<T> {
    /// A file of which nothing could be read.
    pub(super) fn nothing(what: impl Into<String>) -> Self {
        Self { value: T::default(), problems: vec![Problem::new("", what)] }
    }
}

impl Problem {
    /// A problem at a place.
    pub(super) fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }

    /// The problem of a file, as one of many.
    pub(super) fn within(self, file: &str) -> Self {
        let place = if self.place.is_empty() { file.to_owned() } else { format!("{file}, {}", self.place) };
        Self { place, ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => f.write_str(&self.what),
            place => write!(f, "{place}: {}", self.what),
        }
    }
}
