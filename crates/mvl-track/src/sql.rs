//! A statement in the making: text that this crate wrote, and values that are bound, never written into it.

use std::fmt::Write;
use std::pin::Pin;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, Arguments, AssertSqlSafe, Row as _};

use crate::database::Connection;
use crate::{Result, TrackError};

/// What a database will answer. In a box, so that what waits for it is compiled once and not wherever it is called.
pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A value for a statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Int(i64),
    Real(f64),
    Text(String),
    NoText,
    NoInt,
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        value.map_or(Self::NoText, Self::from)
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        value.map_or(Self::NoInt, Self::Int)
    }
}

/// Where a marker goes: `$1` for Postgres, `?` for SQLite. SQLite knows `$1`, too, but as a name, and looks through all names for every
/// value that is bound: with the thousands of values of a batch that takes most of the time.
const MARKER: char = '\u{1}';

/// A statement and its values.
#[derive(Debug, Default)]
pub(crate) struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    pub(crate) fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Adds text of our own. `&'static` keeps what came from outside from getting in.
    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a number of our own, for names of joined tables.
    pub(crate) fn push_number(&mut self, number: usize) -> &mut Self {
        let _ = write!(self.text, "{number}"); // writing to a String cannot fail
        self
    }

    /// Adds a value and a place for its marker.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text.push(MARKER);
        self
    }

    /// Adds items with commas between them.
    pub(crate) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut add: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            add(self, item);
        }
        self
    }

    /// Adds `(value, value …)` for `IN`.
    pub(crate) fn values<T: Into<Value>>(&mut self, values: impl IntoIterator<Item = T>) -> &mut Self {
        self.push("(")
            .list(values, |sql, value| {
                sql.bind(value);
            })
            .push(")")
    }

    /// Runs it and says how many rows it changed.
    pub(crate) fn execute<'a>(&'a mut self, connection: &'a mut Connection) -> Answer<'a, u64> {
        Box::pin(async move {
            let (text, arguments) = self.take(connection.backend_name() == "SQLite")?;
            let done = sqlx::query_with::<Any, _>(AssertSqlSafe(text), arguments).execute(connection).await?;
            Ok(done.rows_affected())
        })
    }

    /// Runs it and takes all rows.
    pub(crate) fn fetch_all<'a>(&'a mut self, connection: &'a mut Connection) -> Answer<'a, Vec<Row>> {
        Box::pin(async move {
            let (text, arguments) = self.take(connection.backend_name() == "SQLite")?;
            let rows = sqlx::query_with::<Any, _>(AssertSqlSafe(text), arguments).fetch_all(connection).await?;
            Ok(rows.into_iter().map(Row).collect())
        })
    }

    /// Runs it and takes the first row.
    pub(crate) fn fetch_optional<'a>(&'a mut self, connection: &'a mut Connection) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            let (text, arguments) = self.take(connection.backend_name() == "SQLite")?;
            let row = sqlx::query_with::<Any, _>(AssertSqlSafe(text), arguments).fetch_optional(connection).await?;
            Ok(row.map(Row))
        })
    }

    fn take(&mut self, is_sqlite: bool) -> Result<(String, AnyArguments)> {
        let text = marked(&std::mem::take(&mut self.text), is_sqlite);
        let mut arguments = AnyArguments::default();
        for value in self.values.drain(..) {
            match value {
                Value::Int(value) => arguments.add(value),
                Value::Real(value) => arguments.add(value),
                Value::Text(value) => arguments.add(value),
                Value::NoText => arguments.add(None::<String>),
                Value::NoInt => arguments.add(None::<i64>),
            }
            .map_err(|error| TrackError::internal(format!("a value cannot be bound: {error}")))?;
        }
        Ok((text, arguments))
    }

    #[cfg(test)]
    pub(crate) fn parts(&self) -> (String, &[Value]) {
        (marked(&self.text, false), &self.values)
    }
}

/// A statement's text with the database's markers.
fn marked(text: &str, is_sqlite: bool) -> String {
    let mut marked = String::with_capacity(text.len() * if is_sqlite { 1 } else { 2 });
    for (number, piece) in text.split(MARKER).enumerate() {
        if number > 0 && is_sqlite {
            marked.push('?');
        } else if number > 0 {
            let _ = write!(marked, "${number}"); // writing to a String cannot fail
        }
        marked.push_str(piece);
    }
    marked
}

/// One row of an answer; columns are asked for by number.
pub(crate) struct Row(AnyRow);

impl Row {
    pub(crate) fn text(&self, column: usize) -> Result<String> {
        Ok(self.0.try_get::<String, _>(column)?)
    }

    pub(crate) fn text_or_none(&self, column: usize) -> Result<Option<String>> {
        Ok(self.0.try_get::<Option<String>, _>(column)?)
    }

    pub(crate) fn int(&self, column: usize) -> Result<i64> {
        Ok(self.0.try_get::<i64, _>(column)?)
    }

    pub(crate) fn int_or_none(&self, column: usize) -> Result<Option<i64>> {
        Ok(self.0.try_get::<Option<i64>, _>(column)?)
    }

    pub(crate) fn real(&self, column: usize) -> Result<f64> {
        Ok(self.0.try_get::<f64, _>(column)?)
    }
}
