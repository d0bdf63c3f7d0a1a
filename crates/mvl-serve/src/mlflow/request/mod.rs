//! What is asked, read as MLflow's server reads it: proto3's JSON with its leniency, from a body or a query.
//!
//! Whole numbers may be strings, names may be `camelCase`, unknown fields are passed over, `null` is absent, JSON may be encoded twice,
//! and what cannot be read at all is an empty request, whose first missing field is then named.

mod body;
mod fields;
mod query;

pub(super) use body::{JsonBody, declared_bytes, pass_over};
pub(super) use fields::Fields;
pub(super) use query::Query;
