//! MLflow's REST API, asked over TCP as anybody may ask it, and by MLflow's own client where it is installed.

mod errors;
mod guard;
mod limits;
mod paths;
mod server;
mod shutdown;
mod suite;
