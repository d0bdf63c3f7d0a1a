//! Names that promise another kind of image than the content is: a PNG called `.jpg`.

use super::Look;
use crate::header::ImageKind;
use crate::validate::check::Check;
use crate::validate::finding::Fault;
use crate::validate::fix::Fix;

pub(super) fn find(look: &Look<'_>) -> Vec<Fault> {
    let Some(kind) = look.file.and_then(ImageKind::of) else { return Vec::new() };
    let Some(extension) = kind.wrong_extension(look.source) else { return Vec::new() };
    let message = format!("the content is {}, the extension {extension:?}", kind.name());
    vec![Fault::of_sample(Check::WrongExtension, message).fixed_by(Fix::rename(kind))]
}
