//! Images that cannot be decoded: damaged, cut short, of an unknown kind, too large.

use super::Look;
use crate::validate::check::Check;
use crate::validate::finding::Fault;

pub(super) fn find(look: &Look<'_>) -> Vec<Fault> {
    look.image.err().map(|error| Fault::of_sample(Check::Corrupt, error.full_message())).into_iter().collect()
}
