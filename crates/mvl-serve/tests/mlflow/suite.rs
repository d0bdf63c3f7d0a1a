//! The suite of `mlflow_suite/`, by MLflow's own client, against this server and against `mlflow server`.

use std::path::Path;
use std::process::Command;

use mvl_serve::mlflow::ApiKeys;
use serde_json::Value;

use crate::server::Served;

const KEY: &str = "a key that the suite is told";
/// The fewest kinds of calls that the suite may come to.
const KINDS: u64 = 120;

#[test]
fn mlflows_own_client_and_the_rest_reference() {
    let Ok(python) = std::env::var("MVL_TEST_MLFLOW_PYTHON") else {
        println!("skipped: set MVL_TEST_MLFLOW_PYTHON, as scripts/with_trackers.sh does");
        return;
    };
    let server = Served::with(|options| options.with_keys(ApiKeys::default().with(KEY).expect("a key")));
    let ours = run(&python, &format!("http://{}", server.address), Some(KEY));
    say("ours", &ours);
    let theirs = std::env::var("MVL_TEST_MLFLOW_URI").ok().map(|uri| run(&python, &uri, None));
    if let Some(theirs) = &theirs {
        say("mlflow server", theirs);
    }
    for result in [Some(&ours), theirs.as_ref()].into_iter().flatten() {
        let failed: Vec<_> = cases(result).filter(|case| !case["error"].is_null()).collect();
        assert!(failed.is_empty(), "{failed:#?}");
        assert!(result["kinds"].as_u64() >= Some(KINDS), "{}", result["kinds"]);
    }
}

fn run(python: &str, uri: &str, key: Option<&str>) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let result = folder.path().join("result.json");
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mlflow_suite");
    let mut command = Command::new(python);
    // Without PYTHONDONTWRITEBYTECODE a run would leave files beside the suite.
    command.arg(suite).args(["--uri", uri, "--json"]).arg(&result).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1").current_dir(folder.path());
    let output = command.args(key.iter().flat_map(|key| ["--key", key])).output().expect("the suite runs");
    let text =
        std::fs::read(&result).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_slice(&text).expect("a result")
}

fn cases(result: &Value) -> impl Iterator<Item = &Value> {
    result["cases"].as_array().into_iter().flatten()
}

fn say(who: &str, result: &Value) {
    let passed = cases(result).filter(|case| case["error"].is_null()).count();
    let (all, calls, kinds) = (cases(result).count(), &result["calls"], &result["kinds"]);
    println!("mlflow suite, {who}: {passed} of {all} cases passed, {calls} calls of {kinds} kinds");
}
