//! Parses `metrics.loss DESC`.

use super::lexer::tokens;
use super::parser::key;
use super::{Entity, Vocabulary};
use crate::{Result, TrackError, limits};

/// One field of an order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) entity: Entity,
    pub(crate) key: String,
    /// An attribute's column; empty for all else.
    pub(crate) column: &'static str,
    pub(crate) descending: bool,
}

/// The fields of an order, none twice.
pub(crate) fn parse_order(order_by: &[String], vocabulary: &Vocabulary) -> Result<Vec<Field>> {
    if order_by.len() > limits::ORDER_FIELDS {
        let limit = limits::ORDER_FIELDS;
        return Err(TrackError::invalid(format!("order_by may have at most {limit} fields, got {}", order_by.len())));
    }
    let mut fields: Vec<Field> = Vec::with_capacity(order_by.len());
    for clause in order_by {
        let field = field(clause, vocabulary)?;
        let same = |other: &Field| match field.entity {
            Entity::Attribute => other.column == field.column,
            _ => (other.entity, &other.key) == (field.entity, &field.key),
        };
        if fields.iter().any(same) {
            return Err(TrackError::invalid(format!("`order_by` contains duplicate fields: {order_by:?}")));
        }
        fields.push(field);
    }
    Ok(fields)
}

fn field(clause: &str, vocabulary: &Vocabulary) -> Result<Field> {
    let tokens = tokens(clause)?;
    let descending = match tokens.as_slice() {
        [_] => false,
        [_, direction] if direction.is("ASC") => false,
        [_, direction] if direction.is("DESC") => true,
        [_, direction] if direction.bare().is_some() => {
            return Err(TrackError::invalid(format!("Invalid ordering key in order_by clause '{clause}'."))
                .with_hint("it is ASC or DESC"));
        }
        _ => return Err(TrackError::invalid(format!("Invalid order_by clause '{clause}'. Could not be parsed."))),
    };
    let (entity, key) = key(tokens.first(), vocabulary)?;
    let column = match entity {
        Entity::Attribute => vocabulary.attribute(&key)?.column,
        Entity::Dataset => return Err(TrackError::invalid(format!("Invalid order_by entity: {}", entity.name()))),
        _ => "",
    };
    Ok(Field { entity, key, column, descending })
}
