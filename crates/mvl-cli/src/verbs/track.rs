//! `mvl track`: runs and models for others, over MLflow's REST API.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::arguments::Outcome;
use crate::output::{Output, say};
use crate::workspace::open;

#[derive(Debug, Subcommand)]
pub(crate) enum TrackVerb {
    /// Serve the workspace to clients of MLflow, until Ctrl-C.
    Serve(ServeArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Where to listen. Anything but this machine's own addresses needs --keys.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5000")]
    address: SocketAddr,
    /// A file of API keys, a line each; clients send one of them as MLFLOW_TRACKING_TOKEN.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

pub(crate) fn run(verb: TrackVerb, _output: &Output) -> anyhow::Result<Outcome> {
    match verb {
        TrackVerb::Serve(arguments) => {
            let _workspace = open()?;
            say(format!("would listen on {} with {:?}", arguments.address, arguments.keys));
            anyhow::bail!("not yet")
        }
    }
}
