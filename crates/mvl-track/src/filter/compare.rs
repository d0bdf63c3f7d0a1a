//! A comparison in SQL, with bound values.

use super::{Comparison, Condition, Operand};
use crate::sql::{Sql, Value};

/// Adds `column = $1` or what else the condition compares by. `IS NULL` is the caller's: what lacks a tag has no row.
///
/// Capital letters count in `LIKE`; in `ILIKE` they do not (on SQLite: those of ASCII). A backslash is a backslash, which is what
/// [`like_end`](crate::Database::like_end) is for.
pub(crate) fn push_comparison(sql: &mut Sql, column: &'static str, condition: &Condition, like_end: &'static str) {
    let Condition { comparison, operand, .. } = condition;
    match (comparison, operand) {
        (Comparison::ILike, operand) => {
            sql.push("lower(").push(column).push(") LIKE lower(").bind(value(operand)).push(")").push(like_end);
        }
        (Comparison::Like, operand) => {
            sql.push(column).push(" LIKE ").bind(value(operand)).push(like_end);
        }
        (Comparison::In | Comparison::NotIn, Operand::List(list)) => {
            let not = if *comparison == Comparison::NotIn { " NOT IN " } else { " IN " };
            sql.push(column).push(not).values(list.iter().map(|text| &**text));
        }
        (comparison, operand) => {
            sql.push(column).push(" ").push(comparison.as_str()).push(" ").bind(value(operand));
        }
    }
}

fn value(operand: &Operand) -> Value {
    match operand {
        Operand::Integer(number) => Value::Int(*number),
        Operand::Number(number) => Value::Real(*number),
        Operand::Text(text) => Value::Text(text.clone()),
        Operand::List(_) | Operand::Nothing => Value::NoText, // the vocabulary lets none through
    }
}
