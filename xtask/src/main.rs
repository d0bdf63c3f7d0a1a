//! The project's chores: `cargo xtask prove` measures what README and docs claim, `cargo xtask examples` runs the gallery.

mod claims;
mod command;
mod examples;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask prove            list the claims: what each needs and how long it takes
cargo xtask prove NAME…      measure claims; each ends with `NAME: figure (goal) ok` or `short`
cargo xtask prove --quick    measure those that take seconds, as CI does
cargo xtask examples         run every example";

fn main() -> ExitCode {
    chores().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}

fn chores() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let inherited = command::variables_of_a_package();
    if !inherited.is_empty() {
        return command::again_without(&inherited, &arguments);
    }
    let holds = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())?;
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether everything that was asked for held.
fn run(arguments: &[&str]) -> Result<bool> {
    match arguments {
        ["prove"] => {
            claims::list();
            Ok(true)
        }
        ["prove", "--quick"] => claims::prove_quick(),
        ["prove", names @ ..] => claims::prove(names),
        ["examples"] => examples::run_all(),
        [] | ["--help" | "-h" | "help"] => {
            println!("{HELP}");
            Ok(true)
        }
        other => bail!("unknown chore {other:?}\n{HELP}"),
    }
}
