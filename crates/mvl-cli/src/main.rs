//! The `mvl` program: every verb, with the built-in models.

use std::process::ExitCode;

fn main() -> ExitCode {
    mvl_cli::main_with(mvl_cli::Plugins::zoo())
}
