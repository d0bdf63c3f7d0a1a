//! Observers that talk to servers: ones made up here, which fail in every way, and real ones.

mod fake_mlflow;
mod mlflow;
mod prometheus;
mod real_mlflow;
mod real_prometheus;
mod run;
mod server;
mod webhook;
