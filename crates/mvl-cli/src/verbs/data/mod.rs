//! `mvl data`: everything that is done to data before training on it. One file per verb below it.

mod annotation_counts;
mod chain_argument;
mod ingest;
mod ingest_progress;
mod inspect;
mod parts;
mod preview;
mod repair;
mod validate;

use clap::Subcommand;

use crate::arguments::Outcome;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum DataVerb {
    /// Count images and classes, read every image, and say what is wrong.
    Inspect(inspect::InspectArguments),
    /// Look for everything that may be wrong, and let a policy decide about it.
    Validate(validate::ValidateArguments),
    /// Pack data sets into shards with a manifest: divided, without duplicates, ready to be read at any speed.
    Ingest(ingest::IngestArguments),
    /// Verify shards by their checksums, and rewrite them without what is damaged.
    Repair(repair::RepairArguments),
    /// Draw samples with their annotations, or one sample under a chain of transforms.
    Preview(preview::PreviewArguments),
}

pub(crate) fn run(verb: DataVerb, output: &Output) -> anyhow::Result<Outcome> {
    match verb {
        DataVerb::Inspect(arguments) => inspect::run(arguments, output),
        DataVerb::Validate(arguments) => validate::run(arguments, output),
        DataVerb::Ingest(arguments) => ingest::run(arguments, output),
        DataVerb::Repair(arguments) => repair::run(arguments, output),
        DataVerb::Preview(arguments) => preview::run(arguments, output),
    }
}
