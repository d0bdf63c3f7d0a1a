//! `mvl bench`: how fast a server answers, and what an engine takes.

mod engine;
mod serve;

use clap::Subcommand;
use mvl::core::Registry;

use crate::arguments::Outcome;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum BenchVerb {
    /// Ask a server and say how long answers take and how many come a second.
    Serve(serve::ServeArguments),
    /// Say what a model takes with each engine: time to load, memory, time of an answer.
    Engine(engine::EngineArguments),
}

pub(crate) fn run(verb: BenchVerb, registry: Registry, output: &Output) -> anyhow::Result<Outcome> {
    match verb {
        BenchVerb::Serve(arguments) => serve::run(arguments, output),
        BenchVerb::Engine(arguments) => engine::run(arguments, registry, output),
    }
}
