//! Files that could harm whoever opens them: pickles that ask to run a program, archives that burst or lead out of their folder.
//!
//! Models of this house hold neither, and nothing here opens such a file. But what is registered is handed on, to Python too, so a
//! folder that holds one is refused when it is registered, and a version that holds one when it is verified or loaded.
//! Not looked into: archives inside of archives, and formats other than pickle and zip.

mod archive;
mod pickle;

use std::fmt;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::TrackError;

/// So much of a file tells whether it can be one of these.
pub(crate) const HEAD_BYTES: u64 = 512;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Harm(String);

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Harm {
    /// The error for whoever has the file in hand.
    pub(crate) fn refused(&self, path: &str) -> TrackError {
        TrackError::invalid(format!("the file {path:?} is refused: {self}")).with_hint(
            "do not open it; take the weights from whoever made them, as safetensors, and register those instead",
        )
    }
}

/// Whether a file that begins like this needs a look at all of it. Weights in this house's format and safetensors do not.
pub(crate) fn may_harm(head: &[u8]) -> bool {
    archive::begins(head) || pickle::begins(head)
}

/// Looks through a file. `Ok(Some(…))` says why it must not be opened.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn look(file: &Path) -> std::io::Result<Option<Harm>> {
    let mut head = Vec::new();
    File::open(file)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    if archive::begins(&head) {
        return archive::look(File::open(file)?);
    }
    if pickle::begins(&head) {
        return pickle::look(&mut BufReader::new(File::open(file)?));
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
