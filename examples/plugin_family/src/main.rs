//! `mvl` with a family more: `cargo run --release -p plugin-family -- models summary plain4 --size 28x28 --in-channels 1`

use std::process::ExitCode;

fn main() -> ExitCode {
    mvl_cli::main_with(mvl_cli::Plugins::zoo().with(plugin_family::register))
}
