//! MLflow's filter language: `metrics.loss < 0.1 AND params."learning rate" = '0.01' AND tags.team IS NOT NULL`.
//!
//! A filter is cut into [tokens](lexer), [parsed](parser) into [`Condition`]s that a [`Vocabulary`] allows, and each condition is
//! [compared](compare) in SQL with bound values. There is no nesting and no `OR`, so nothing can be deep.
//!
//! Two quotes within quotes are one quote (`'it''s'`); MLflow keeps both. Conditions are joined by `AND`, which MLflow does not insist on.

mod compare;
mod lexer;
mod order;
mod page_token;
mod parser;
mod vocabulary;

pub(crate) use compare::push_comparison;
pub(crate) use order::{Field, parse_order};
pub(crate) use page_token::{offset_of, page_of, page_size, query_mark};
pub(crate) use parser::parse;
pub(crate) use vocabulary::{Attribute, Kind, Vocabulary};

/// What a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Entity {
    Metric,
    Param,
    Tag,
    Attribute,
    Dataset,
}

impl Entity {
    /// Its name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Metric => "metric",
            Self::Param => "parameter",
            Self::Tag => "tag",
            Self::Attribute => "attribute",
            Self::Dataset => "dataset",
        }
    }
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Like,
    ILike,
    In,
    NotIn,
    IsNull,
    IsNotNull,
}

impl Comparison {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Like => "LIKE",
            Self::ILike => "ILIKE",
            Self::In => "IN",
            Self::NotIn => "NOT IN",
            Self::IsNull => "IS NULL",
            Self::IsNotNull => "IS NOT NULL",
        }
    }

    /// Whether it compares by size or sameness, as numbers are.
    fn is_numeric(self) -> bool {
        use Comparison::*;
        matches!(self, Equal | NotEqual | Greater | GreaterOrEqual | Less | LessOrEqual)
    }
}

/// What is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Integer(i64),
    Number(f64),
    Text(String),
    List(Vec<String>),
    Nothing,
}

/// One condition, checked: the operand fits the key, the comparison fits both.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) entity: Entity,
    pub(crate) key: String,
    /// An attribute's column; empty for all else.
    pub(crate) column: &'static str,
    pub(crate) comparison: Comparison,
    pub(crate) operand: Operand,
}

#[cfg(test)]
mod tests;
