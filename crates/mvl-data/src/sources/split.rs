//! Which part of a data set.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A part of a data set, as its files are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Split {
    /// What is learned from.
    Train,
    /// What decisions are based on, such as when to stop: a folder named `val`, `valid` or `validation`.
    #[serde(alias = "val", alias = "validation")]
    Valid,
    /// What is judged by in the end: a folder named `test`, or the `t10k` files of MNIST.
    Test,
    /// Everything there is.
    All,
}

impl Split {
    /// The part by a name that it goes by in files: `train`, `val`, `valid`, `validation` or `test`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "train" => Some(Self::Train),
            "val" | "valid" | "validation" => Some(Self::Valid),
            "test" => Some(Self::Test),
            _ => None,
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Valid => "validation",
            Self::Test => "test",
            Self::All => "all",
        })
    }
}
