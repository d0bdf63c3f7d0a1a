//! Images that cannot be decoded: damaged, cut short, of an unknown kind, too large.

use mvl_core::DataError;

use super::Look;
use crate::validate::check::Check;
use crate::validate::finding::Fault;

pub(super) fn find(look: &Look<'_>) -> Vec<Fault> {
    look.image.err().map(|error| Fault::of_sample(Check::Corrupt, message(error))).into_iter().collect()
}

/// What is wrong; which image it is stands beside it anyway.
fn message(error: &DataError) -> String {
    match error {
        DataError::Image { what, .. } => what.clone(),
        other => other.full_message(),
    }
}
