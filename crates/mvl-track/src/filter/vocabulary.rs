//! Which keys a kind of search knows.

use super::{Comparison, Entity, Operand};
use crate::{Result, TrackError};

/// What an attribute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// A text that is only the same or another: no patterns.
    Name,
    Integer,
}

/// An attribute: its name in filters, its column, what it holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) column: &'static str,
    pub(crate) kind: Kind,
    /// Whether it can be compared with a list.
    pub(crate) lists: bool,
}

impl Attribute {
    pub(crate) const fn text(name: &'static str, column: &'static str) -> Self {
        Self { name, column, kind: Kind::Text, lists: false }
    }

    pub(crate) const fn integer(name: &'static str, column: &'static str) -> Self {
        Self { name, column, kind: Kind::Integer, lists: false }
    }

    pub(crate) const fn with_lists(mut self) -> Self {
        self.lists = true;
        self
    }
}

/// What a kind of search knows.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    /// Words before the dot.
    pub(crate) entities: &'static [(&'static str, Entity)],
    /// Attributes, with other names for them.
    pub(crate) attributes: &'static [Attribute],
    /// Whether parameters and tags can be compared with a list.
    pub(crate) lists: bool,
    /// What can be asked for by `IS NULL`.
    pub(crate) nullable: &'static [Entity],
}

const DATASET_KEYS: [&str; 3] = ["name", "digest", "context"];

impl Vocabulary {
    /// What a word before the dot means.
    pub(super) fn entity(&self, word: &str) -> Result<Entity> {
        let known = self.entities.iter().find(|(name, _)| *name == word);
        known.map(|(_, entity)| *entity).ok_or_else(|| {
            let names: Vec<_> = self.entities.iter().map(|(name, _)| *name).collect();
            TrackError::invalid(format!("Invalid entity type '{word}'. Valid values are {names:?}"))
        })
    }

    /// An attribute by name.
    pub(super) fn attribute(&self, name: &str) -> Result<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name).ok_or_else(|| {
            let names: Vec<_> = self.attributes.iter().map(|attribute| attribute.name).collect();
            TrackError::invalid(format!("Invalid attribute key '{name}' specified. Valid keys are '{names:?}'"))
        })
    }

    /// Checks a condition, and answers an attribute's column (empty for all else).
    pub(super) fn check(
        &self,
        entity: Entity,
        key: &str,
        comparison: Comparison,
        operand: &Operand,
    ) -> Result<&'static str> {
        use Comparison::*;
        let (kind, lists, column) = match entity {
            Entity::Attribute => {
                let attribute = self.attribute(key)?;
                (Some(attribute.kind), attribute.lists, attribute.column)
            }
            Entity::Dataset if !DATASET_KEYS.contains(&key) => {
                let message = format!("Invalid dataset key '{key}' specified. Valid keys are '{DATASET_KEYS:?}'");
                return Err(TrackError::invalid(message));
            }
            Entity::Dataset => (Some(Kind::Text), true, ""),
            Entity::Metric => (None, false, ""),
            Entity::Param | Entity::Tag => (Some(Kind::Text), self.lists, ""),
        };
        if matches!(comparison, IsNull | IsNotNull) {
            if self.nullable.contains(&entity) {
                return Ok(column);
            }
            let message = format!("IS NULL / IS NOT NULL is not supported for {} '{key}'", entity.name());
            return Err(TrackError::invalid(message));
        }
        let fits = match kind {
            None | Some(Kind::Integer) => comparison.is_numeric(),
            Some(Kind::Name) => matches!(comparison, Equal | NotEqual | In | NotIn),
            Some(Kind::Text) => matches!(comparison, Equal | NotEqual | Like | ILike | In | NotIn),
        };
        if !fits || (matches!(comparison, In | NotIn) && !lists) {
            let message = format!("Invalid comparator '{}' for {} '{key}'", comparison.as_str(), entity.name());
            return Err(TrackError::invalid(message));
        }
        let fits = match (kind, operand) {
            (None, Operand::Integer(_) | Operand::Number(_)) | (Some(Kind::Integer), Operand::Integer(_)) => true,
            (None | Some(Kind::Integer), _) => false,
            (Some(_), Operand::Text(_)) => !matches!(comparison, In | NotIn),
            (Some(_), Operand::List(_)) => matches!(comparison, In | NotIn),
            (Some(_), _) => false,
        };
        if fits {
            return Ok(column);
        }
        let expected = match kind {
            None => "a numeric value",
            Some(Kind::Integer) => "a whole number",
            Some(_) if matches!(comparison, In | NotIn) => "a list of quoted string values (e.g. ('a', 'b'))",
            Some(_) => "a quoted string value (e.g. 'my-value')",
        };
        Err(TrackError::invalid(format!("Expected {expected} for {} '{key}', got {operand:?}", entity.name())))
    }
}
