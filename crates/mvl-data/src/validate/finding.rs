//! One thing that was found, and where.

use mvl_core::Labels;
use serde::Serialize;

use super::check::{Check, Severity};
use super::fix::Fix;
use super::policy::Action;
use crate::sources::Split;

/// A sample of a data set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The part that it belongs to.
    pub split: Split,
    /// Its index in that part.
    pub index: usize,
    /// The path or name of its image.
    pub source: String,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// How bad it is.
    pub severity: Severity,
    /// What the policy does about it.
    pub action: Action,
    /// The sample; `None` where it is about the whole.
    pub sample: Option<Place>,
    /// The index of the object in the sample's list; `None` where it is about the image.
    pub object: Option<usize>,
    /// What is wrong, with the values.
    pub message: String,
    /// What fixing would do; `None` where nothing can be done.
    pub fix: Option<String>,
    /// The other sample: of which this is a copy.
    pub other: Option<Place>,
}

/// What one look at a sample found, before the policy has its say.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    pub(super) check: Check,
    pub(super) object: Option<usize>,
    pub(super) message: String,
    pub(super) fix: Option<Fix>,
}

impl Fault {
    /// A fault of the image or of all of the sample.
    pub(super) fn of_sample(check: Check, message: impl Into<String>) -> Self {
        Self { check, object: None, message: message.into(), fix: None }
    }

    /// A fault of one object.
    pub(super) fn of_object(check: Check, object: usize, message: impl Into<String>) -> Self {
        Self { object: Some(object), ..Self::of_sample(check, message) }
    }

    /// How it is mended.
    pub(super) fn fixed_by(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }
}

/// `object 3 ("cat")`, for messages.
pub(super) fn name_object(labels: &Labels, object: usize, class: usize) -> String {
    format!("object {object} ({:?})", labels.display(class))
}
