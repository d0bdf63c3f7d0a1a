//! `mvl track`: runs and models for others, over MLflow's REST API.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use mvl::train::StopToken;
use mvl_serve::mlflow::{ApiKeys, Log, ServeOptions, Server};

use crate::arguments::Outcome;
use crate::output::{Output, say};
use crate::workspace::open;

/// How often it is looked whether Ctrl-C was pressed.
const LOOK: Duration = Duration::from_millis(100);

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
    /// A file of API keys, as `mvl keys new` makes; clients send one of them as MLFLOW_TRACKING_TOKEN.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The largest file that is taken, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 5 * 1024)]
    max_artifact_mib: u64,
}

pub(crate) fn run(verb: TrackVerb, output: &Output) -> anyhow::Result<Outcome> {
    let TrackVerb::Serve(arguments) = verb;
    let workspace = open()?;
    let mut options = ServeOptions::new(workspace.tracker().clone(), workspace.registry().clone())
        .at(arguments.address)
        .with_log(Log::new(|line| eprintln!("{line}")));
    options.limits.artifact_bytes = arguments.max_artifact_mib << 20;
    if let Some(file) = &arguments.keys {
        options = options.with_keys(ApiKeys::open(file)?);
    }
    let stop = StopToken::on_ctrl_c()?;
    let server = mvl::store::wait_for(Server::bind(options))??;
    let address = format!("http://{}", server.address());
    output.result(&serde_json::json!({ "address": address }), || format!("listening on {address}"))?;
    say(format!("clients of MLflow: export MLFLOW_TRACKING_URI={address}; Ctrl-C ends it"));
    let ended = async move {
        while !stop.is_stopped() {
            tokio::time::sleep(LOOK).await;
        }
    };
    mvl::store::wait_for(server.run(ended))?;
    Ok(Outcome::Done)
}
