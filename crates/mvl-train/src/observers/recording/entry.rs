//! What is recorded of a run, in the order it is sent.

use std::path::PathBuf;

use bytes::Bytes;
use mvl_core::{Image, RunBegin, RunFigure, RunStatus};

use crate::observers::remote::Parcel;

/// One thing to record.
#[derive(Debug)]
pub(crate) enum Entry {
    /// The run itself; always the first.
    Begin(RunBegin),
    /// Names and values; at most a hundred.
    Params(Vec<(String, String)>),
    /// Names and values.
    Tags(Vec<(String, String)>),
    /// Figures of a step, which may be thinned out, or of an epoch.
    Figures { metrics: Vec<RunFigure>, of_step: bool },
    /// A file below the run, at this path.
    Artifact { path: String, content: Content },
    /// How it ended.
    End { status: RunStatus, time_ms: u64 },
}

/// What is in an artifact.
#[derive(Debug)]
pub(crate) enum Content {
    Bytes(Bytes),
    /// A file, read when it is sent; one that is not there is left out.
    File(PathBuf),
    /// A picture, sent as PNG.
    Picture(Image),
}

impl Parcel for Entry {
    fn is_spare(&self) -> bool {
        matches!(self, Self::Figures { of_step: true, .. } | Self::Artifact { content: Content::Picture(_), .. })
    }

    fn replaces(&self, waiting: &Self) -> bool {
        match (self, waiting) {
            (Self::Artifact { path, .. }, Self::Artifact { path: older, .. }) => path == older,
            _ => false,
        }
    }
}
