//! Is a data set fit for training? Looks at every sample, lets a policy decide about what is wrong, and loses nothing.
//!
//! One check of a sample is one file in `checks`; what can only be seen on the whole (duplicates, leakage, balance) is in
//! `duplicates` and `balance`. Samples are looked at in parallel and judged in order, so the outcome never depends on the
//! number of workers. Of each sample only a digest stays in memory.

mod balance;
mod check;
mod checks;
mod digest;
mod duplicates;
mod examine;
mod finding;
mod fix;
mod good_list;
mod hash_index;
mod judge;
mod mended;
mod outcome;
mod perceptual_hash;
mod policy;
mod report;
mod run;

pub use check::{Check, Severity};
pub use finding::{Finding, Place};
pub use fix::Fix;
pub use good_list::write_good_list;
pub use hash_index::{HashIndex, MAX_DISTANCE_BITS};
pub use mended::Mended;
pub use outcome::{ClassCount, FixedSample, QuarantinedSample, Reason, SplitCount, ValidationOutcome};
pub use perceptual_hash::perceptual_hash;
pub use policy::{Action, Policy};
pub use report::{CheckCount, REPORT_SCHEMA, ValidationReport};
pub use run::{Part, validate};
