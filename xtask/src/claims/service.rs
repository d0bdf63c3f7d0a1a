//! The service under trouble, as long as it takes to believe it.

use anyhow::{Context, Result};

use super::Verdict;
use crate::command::root;

/// Requests while everything changes.
const CHAOS_REQUESTS: u64 = 100_000;
/// How long a server gets five times what it can do.
const OVERLOAD_SECONDS: u64 = 30;
/// How soon a request that is too much must be refused.
const REFUSED_WITHIN_MS: f64 = 10.0;

/// 100,000 requests while versions switch, canaries change, a replica is killed every ten seconds and the store fails at times.
pub(crate) fn chaos() -> Result<Verdict> {
    let (passed, line) = service_test("chaos::", "chaos: ", &[("MVL_CHAOS_REQUESTS", CHAOS_REQUESTS.to_string())])?;
    Ok(Verdict::new(line, "none wrong, none lost, memory within a tenth", passed))
}

/// Five times as many requests as can be answered.
pub(crate) fn overload() -> Result<Verdict> {
    let seconds = ("MVL_OVERLOAD_SECONDS", OVERLOAD_SECONDS.to_string());
    let (passed, line) = service_test("load::five_times", "overload: ", &[seconds])?;
    let before = |words: &str| -> Option<f64> { line.split(words).next()?.split(' ').next_back()?.parse().ok() };
    let late = before(" late").context("the test told no figure of what came late")?;
    let refused = line
        .split(" refused")
        .nth(1)
        .and_then(|line| line.split(" ms; ").next()?.rsplit(' ').next()?.parse::<f64>().ok());
    let refused = refused.context("the test told no figure of what was refused")?;
    let holds = passed && late == 0.0 && refused < REFUSED_WITHIN_MS;
    Ok(Verdict::new(line, "none late, all of the refused told so within 10 ms", holds))
}

/// Runs a test of the service: whether it passed, and the line that it printed with its figures.
fn service_test(name: &str, begins: &str, environment: &[(&str, String)]) -> Result<(bool, String)> {
    let mut command = std::process::Command::new("cargo");
    command.args(["test", "--release", "--workspace", "--quiet", "--test", "service", "--", "--nocapture", name]);
    command.envs(environment.iter().map(|(name, value)| (name, value))).current_dir(root());
    let output = command.output().context("cannot run cargo test")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| Some(&line[line.find(begins)? + begins.len()..]));
    if line.is_none() || !output.status.success() {
        eprintln!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let line = line.context("the test told no figures")?;
    Ok((output.status.success(), line.to_owned()))
}
