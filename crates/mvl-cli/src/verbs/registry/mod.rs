//! `mvl registry`: models by name, version and alias.

mod keys;
mod list;
mod promote;
mod register;
mod show;

use clap::Subcommand;

use crate::arguments::Outcome;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum RegistryVerb {
    /// Registered models and what their aliases stand for.
    List,
    /// One model with its versions, or one version with its card and files.
    Show(show::ShowArguments),
    /// Register a run's best checkpoint, or a saved model, as the next version of a model.
    Register(register::RegisterArguments),
    /// Let an alias stand for a version, if it passes.
    Promote(promote::PromoteArguments),
    /// Let an alias stand for the version that it stood for before.
    Rollback(promote::RollbackArguments),
    /// What changed from one version to another.
    Diff(show::DiffArguments),
    /// Read every byte of a version and hold it against its checksums and its signature.
    Verify(keys::VerifyArguments),
    /// Vouch for a version.
    Sign(keys::SignArguments),
    /// Make a key to sign with.
    Keygen(keys::KeygenArguments),
}

pub(crate) fn run(verb: RegistryVerb, output: &Output) -> anyhow::Result<Outcome> {
    match verb {
        RegistryVerb::List => list::run(output)?,
        RegistryVerb::Show(arguments) => show::run(arguments, output)?,
        RegistryVerb::Register(arguments) => register::run(arguments, output)?,
        RegistryVerb::Promote(arguments) => promote::run(arguments, output)?,
        RegistryVerb::Rollback(arguments) => promote::rollback(arguments, output)?,
        RegistryVerb::Diff(arguments) => show::diff(arguments, output)?,
        RegistryVerb::Verify(arguments) => keys::verify(arguments, output)?,
        RegistryVerb::Sign(arguments) => keys::sign(arguments, output)?,
        RegistryVerb::Keygen(arguments) => keys::generate(arguments, output)?,
    }
    Ok(Outcome::Done)
}

/// `models:/name/3`, also where only `name/3` or `name@alias` was typed.
fn address(typed: &str) -> String {
    if typed.starts_with("models:/") { typed.to_owned() } else { format!("models:/{typed}") }
}
