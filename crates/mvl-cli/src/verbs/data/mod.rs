//! `mvl data`: everything that is done to data before training on it. One file per verb below it.

mod inspect;

use clap::Subcommand;

use crate::arguments::Outcome;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum DataVerb {
    /// Count images and classes, read every image, and say what is wrong.
    Inspect(inspect::InspectArguments),
}

pub(crate) fn run(verb: DataVerb, output: &Output) -> anyhow::Result<Outcome> {
    match verb {
        DataVerb::Inspect(arguments) => inspect::run(arguments, output),
    }
}
