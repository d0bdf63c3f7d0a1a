//! Observers that talk to servers: ones made up here, which fail in every way, and real ones.

mod fake_mlflow;
mod mlflow;
mod real_mlflow;
mod run;
mod server;
