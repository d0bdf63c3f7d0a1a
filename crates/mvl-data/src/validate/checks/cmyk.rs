//! JPEGs in printing inks, which many programs show in wrong colours.

use super::Look;
use crate::header::is_cmyk_jpeg;
use crate::validate::check::Check;
use crate::validate::finding::Fault;
use crate::validate::fix::Fix;

pub(super) fn find(look: &Look<'_>) -> Vec<Fault> {
    if !look.file.is_some_and(is_cmyk_jpeg) {
        return Vec::new();
    }
    vec![Fault::of_sample(Check::Cmyk, "the JPEG holds CMYK inks, not RGB").fixed_by(Fix::ConvertToRgb)]
}
