//! `mvl runs`: what was recorded.

mod compare;
mod export;
mod find;
mod import;
mod list;
mod plot;
mod remove;
mod show;

pub(crate) use plot::Curve;

use clap::Subcommand;

use crate::arguments::Outcome;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum RunsVerb {
    /// Runs in a table, the latest first.
    List(list::ListArguments),
    /// One run: its figures drawn, its settings, its files.
    Show(show::ShowArguments),
    /// Where runs differ in settings and figures.
    Compare(compare::CompareArguments),
    /// Draw figures of runs over their steps, side by side.
    Plot(plot::PlotArguments),
    /// Write runs to a file, or send them to another tracker.
    Export(export::ExportArguments),
    /// Bring runs here: from a file that `export` wrote, an MLflow server, or TensorBoard's event files.
    Import(import::ImportArguments),
    /// Delete a run; `restore` takes that back until `gc` removes it for good.
    Delete(remove::DeleteArguments),
    /// Take back a deletion.
    Restore(remove::DeleteArguments),
    /// Remove for good what was deleted, and files that nothing refers to.
    Gc(remove::GcArguments),
}

pub(crate) fn run(verb: RunsVerb, output: &Output) -> anyhow::Result<Outcome> {
    match verb {
        RunsVerb::List(arguments) => list::run(arguments, output)?,
        RunsVerb::Show(arguments) => show::run(arguments, output)?,
        RunsVerb::Compare(arguments) => compare::run(arguments, output)?,
        RunsVerb::Plot(arguments) => plot::run(arguments, output)?,
        RunsVerb::Export(arguments) => export::run(arguments, output)?,
        RunsVerb::Import(arguments) => import::run(arguments, output)?,
        RunsVerb::Delete(arguments) => remove::delete(arguments, output)?,
        RunsVerb::Restore(arguments) => remove::restore(arguments, output)?,
        RunsVerb::Gc(arguments) => remove::collect(arguments, output)?,
    }
    Ok(Outcome::Done)
}
