//! The program as a person or a script uses it: arguments in, output, messages and exit codes out.

#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/exporting.rs"]
mod exporting;
#[path = "cli/figures.rs"]
mod figures;
#[path = "cli/finding.rs"]
mod finding;
#[path = "cli/ingest.rs"]
mod ingest;
#[path = "cli/killed_tracking.rs"]
mod killed_tracking;
#[path = "cli/looking.rs"]
mod looking;
#[path = "cli/moving_runs.rs"]
mod moving_runs;
#[path = "cli/observing.rs"]
mod observing;
#[path = "cli/program.rs"]
mod program;
#[path = "cli/serving.rs"]
mod serving;
#[path = "cli/sweeping.rs"]
mod sweeping;
#[path = "cli/tracking.rs"]
mod tracking;
#[path = "cli/whole_path.rs"]
mod whole_path;
