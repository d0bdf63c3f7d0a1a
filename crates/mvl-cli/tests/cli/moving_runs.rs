//! Runs come from an MLflow server and from TensorBoard's event files, and go there; models go to MLflow's own client and come back.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use mvl::track::{PortableRun, PortableValue};
use serde_json::{Value, json};

use crate::killed_tracking::Server;
use crate::program::pictures;
use crate::tracking::{mvl_in, train};

/// Makes two runs on a server and tells what MLflow's client reads of them.
const MAKE_RUNS: &str = r#"
import json, math, os, sys, mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
uri, name, folder = sys.argv[1:]
mlflow.set_tracking_uri(uri)
client = MlflowClient()
experiment = client.create_experiment(name, tags={"team": "vision"})
for number in (0, 1):
    run = client.create_run(experiment, run_name=f"run {number}", start_time=1_700_000_000_000 + number, tags={"kind": "moved", "list": "a\nb"})
    id = run.info.run_id
    points = [Metric("train/loss", 1 / (step + 1), 1_700_000_000_000 + step, step) for step in range(3_000)]
    for first in range(0, len(points), 1_000):
        client.log_batch(id, metrics=points[first:first + 1_000])
    client.log_batch(id, metrics=[Metric("odd", value, 5, step) for step, value in enumerate([math.inf, -math.inf, 0.0, 1e-300])], params=[Param(f"p{n}", f"value {n}") for n in range(90)])
    for path, content in [("notes.txt", b"kept"), ("deep/er/picture.bin", bytes(range(256)) * 2_000), ("a b/%41.txt", b"odd name")]:
        local = os.path.join(folder, os.path.basename(path))
        with open(local, "wb") as file:
            file.write(content)
        client.log_artifact(id, local, os.path.dirname(path) or None)
    client.set_terminated(id, status="FINISHED" if number else "FAILED", end_time=1_700_000_009_000)
"#;
/// Tells all of the runs of an experiment, or one run.
const TELL_RUNS: &str = r#"
import json, sys, mlflow
from mlflow import MlflowClient
uri, what, name = sys.argv[1:]
client = MlflowClient(uri)
def files(id, path=None):
    for file in client.list_artifacts(id, path):
        if file.is_dir:
            yield from files(id, file.path)
        else:
            yield [file.path, file.file_size]
def told(run):
    history = lambda key: [[point.step, point.timestamp, repr(float(point.value))] for point in client.get_metric_history(run.info.run_id, key)]
    return {"id": run.info.run_id, "name": run.info.run_name, "status": run.info.status, "start": run.info.start_time, "end": run.info.end_time,
            "params": run.data.params, "tags": run.data.tags, "metrics": {key: history(key) for key in run.data.metrics}, "files": sorted(files(run.info.run_id))}
if what == "run":
    runs = [client.get_run(name)]
else:
    runs = client.search_runs([client.get_experiment_by_name(name).experiment_id], order_by=["attributes.start_time ASC"])
print(json.dumps([told(run) for run in runs]))
"#;

fn python(program: &str, script: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.arg("-c").arg(script).args(arguments).env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    let output = command.output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn skipped(variable: &str, script: &str) -> Option<String> {
    let value = std::env::var(variable).ok();
    if value.is_none() {
        println!("skipped: set {variable}, as scripts/{script} does");
    }
    value
}

type Points = Vec<(i64, i64, f64)>;

/// A metric's points as Python tells them: step, time, value in Python's words, which are exact.
fn told(history: &Value) -> Points {
    let point = |point: &Value| {
        let value = point[2].as_str().expect("text").parse().expect("a number");
        (point[0].as_i64().expect("a step"), point[1].as_i64().expect("a time"), value)
    };
    sorted(history.as_array().expect("points").iter().map(point))
}

/// A metric's points as they were exported.
fn points(run: &PortableRun, key: &str) -> Points {
    let value = |value: &PortableValue| match value {
        PortableValue::Number(number) => *number,
        PortableValue::Word(word) => word.parse().expect("a word for a number"),
    };
    sorted(run.metrics[key].iter().map(|point| (point.step, point.time, value(&point.value))))
}

fn sorted(points: impl Iterator<Item = (i64, i64, f64)>) -> Points {
    let mut points: Points = points.collect();
    points.sort_by_key(|(step, time, _)| (*step, *time));
    points
}

/// The lines of a file of exported runs.
fn exported(folder: &Path, runs: &[&str]) -> Vec<PortableRun> {
    mvl_in(folder, &[&["runs", "export"], runs, &["--out", "runs.jsonl"]].concat()).succeeds();
    let text = fs::read_to_string(folder.join("runs.jsonl")).expect("written");
    text.lines().map(|line| serde_json::from_str(line).expect("a run")).collect()
}

#[test]
fn runs_of_an_mlflow_server_come_here_once_and_go_back() {
    let Some(uri) = skipped("MVL_TEST_MLFLOW_URI", "with_trackers.sh") else { return };
    let Some(client) = skipped("MVL_TEST_MLFLOW_PYTHON", "with_trackers.sh") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let experiment = format!("moving {}", std::process::id());
    python(&client, MAKE_RUNS, &[&uri, &experiment, folder.to_str().expect("plain")]);
    let there: Value =
        serde_json::from_str(&python(&client, TELL_RUNS, &[&uri, "experiment", &experiment])).expect("JSON");

    let import = ["runs", "import", &uri, "--experiment", &experiment, "--json"];
    let ids = mvl_in(folder, &import).succeeds().json();
    let [first, second] = [0, 1].map(|index| ids[index].as_str().expect("an id").to_owned());
    let here = exported(folder, &[&first, &second]);
    for (there, here) in there.as_array().expect("runs").iter().zip(&here) {
        assert_eq!(here.experiment, experiment);
        assert_eq!(json!([here.name, here.status]), json!([there["name"], there["status"]]));
        assert_eq!(json!([here.start_time, here.end_time]), json!([there["start"], there["end"]]));
        assert_eq!(json!(here.params), there["params"]);
        for (key, value) in there["tags"].as_object().expect("tags") {
            assert_eq!(Some(here.tags[key].as_str()), value.as_str(), "{key}");
        }
        assert_eq!(Some(here.tags["mvl.imported"].as_str()), there["id"].as_str());
        let metrics = there["metrics"].as_object().expect("metrics");
        assert_eq!(metrics.len(), here.metrics.len());
        for (key, history) in metrics {
            assert!(points(here, key) == told(history), "{key}");
        }
        assert_eq!(points(here, "train/loss").len(), 3_000);
        let files: Vec<Value> = here.files.iter().map(|file| json!([file.path, file.bytes])).collect();
        assert_eq!(json!(files), there["files"]);
    }
    // Again: the same runs, with nothing twice.
    assert_eq!(mvl_in(folder, &import).succeeds().json(), ids);
    assert!(exported(folder, &[&first, &second]) == here);

    let sent = mvl_in(folder, &["runs", "export", &second, "--to", &uri, "--json"]).succeeds().json();
    let id = sent[0]["there"].as_str().expect("an id");
    let back: Value = serde_json::from_str(&python(&client, TELL_RUNS, &[&uri, "run", id])).expect("JSON");
    for field in ["name", "status", "start", "end", "params", "files"] {
        assert_eq!(back[0][field], there[1][field], "{field}");
    }
    for (key, history) in there[1]["metrics"].as_object().expect("metrics") {
        assert!(told(&back[0]["metrics"][key]) == told(history), "{key}");
    }
    mvl_in(folder, &["runs", "import", &uri, "--experiment", "nobody's"])
        .fails(1, &["no experiment \"nobody's\"", &experiment]);
    println!("moved runs: 2 of MLflow's with {} points came here and one went back", 2 * 3_004);
}

/// Writes event files in the ways that PyTorch has, and tells what was written.
const WRITE_EVENTS: &str = r#"
import sys, torch
from torch.utils.tensorboard import SummaryWriter
root = sys.argv[1]
with SummaryWriter(root + "/first") as writer:
    for step in range(300):
        writer.add_scalar("train/loss", 1 / (step + 1), step, walltime=1_700_000_000 + step)
        writer.add_scalar("valid acc (%)", step / 3, step, walltime=1_700_000_000 + step, new_style=True)
    writer.add_image("samples", torch.arange(3 * 8 * 8, dtype=torch.uint8).reshape(3, 8, 8), 7)
    writer.add_histogram("weights", torch.randn(10), 0)
with SummaryWriter(root + "/first", purge_step=250) as writer:
    writer.add_scalar("train/loss", -1.0, 250, walltime=1_700_000_400)
with SummaryWriter(root + "/second") as writer:
    writer.add_hparams({"lr": 0.5, "name": "sgd", "nesterov": True}, {"best": 0.25}, run_name=".")
"#;
/// Tells what TensorBoard itself reads.
const READ_EVENTS: &str = r#"
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0, "tensors": 0})
events.Reload()
tags = events.Tags()
settings = {}
if "hparams" in events.summary_metadata.__str__():
    content = events.PluginTagToContent(metadata.PLUGIN_NAME).get(metadata.SESSION_START_INFO_TAG)
    data = plugin_data_pb2.HParamsPluginData.FromString(content)
    settings = {name: getattr(value, value.WhichOneof("kind")) for name, value in data.session_start_info.hparams.items()}
print(json.dumps({"scalars": {tag: [[event.step, round(event.wall_time * 1e3), repr(event.value)] for event in events.Scalars(tag)] for tag in tags["scalars"]},
                  "images": {tag: [[event.step, event.width, event.height] for event in events.Images(tag)] for tag in tags["images"]}, "settings": settings}))
"#;

#[test]
fn event_files_come_here_once_and_go_back() {
    let Some(program) = skipped("MVL_PYTHON", "with_python.sh") else { return };
    let known = Command::new(&program).args(["-c", "import torch, tensorboard, torch.utils.tensorboard"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        println!("skipped: {program} has no torch and tensorboard");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    python(&program, WRITE_EVENTS, &[folder.join("logs").to_str().expect("plain")]);
    let import = ["runs", "import", "logs", "--json"];
    let ids = mvl_in(folder, &import).succeeds().json();
    let [first, second] = [0, 1].map(|index| ids[index].as_str().expect("an id").to_owned());
    let here = exported(folder, &[&first, &second]);
    assert_eq!((here[0].name.as_str(), here[0].experiment.as_str()), ("first", "logs"));
    let expected: Points = (0..250)
        .map(|step| (step, (1_700_000_000 + step) * 1_000, f64::from(1.0 / (step as f64 + 1.0) as f32)))
        .chain([(250, 1_700_000_400_000, -1.0)])
        .collect();
    assert!(points(&here[0], "train/loss") == expected, "what the later session took back does not count");
    assert_eq!(points(&here[0], "valid acc ___").len(), 250);
    assert_eq!(here[0].files[0].path, "pictures/samples/7.png");
    let params: Vec<_> = here[1].params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(params, [("lr", "0.5"), ("name", "sgd"), ("nesterov", "1")]); // PyTorch writes yes as 1
    assert_eq!(points(&here[1], "best")[0].2, 0.25);
    assert_eq!(mvl_in(folder, &import).succeeds().json(), ids, "twice is once");
    assert!(exported(folder, &[&first, &second]) == here);

    for _ in 0..2 {
        mvl_in(folder, &["runs", "export", &first, &second, "--to", "tensorboard", "back"]).succeeds();
    }
    let read = |name: &str, id: &str| -> Value {
        let below = folder.join("back").join(format!("{name}-{}", &id[..8]));
        serde_json::from_str(&python(&program, READ_EVENTS, &[below.to_str().expect("plain")])).expect("JSON")
    };
    let back = read("first", &first);
    assert!(told(&back["scalars"]["train/loss"]) == expected);
    assert_eq!(back["images"]["pictures/samples/7.png"], json!([[0, 8, 8]]));
    assert_eq!(read("second", &second)["settings"], json!({"lr": 0.5, "name": "sgd", "nesterov": 1.0}));
    mvl_in(folder, &["runs", "export", "latest", "--to", "tensorboard"]).fails(1, &["and then a folder"]);
    fs::create_dir(folder.join("empty")).expect("writable");
    mvl_in(folder, &["runs", "import", "empty"]).fails(1, &["no event files"]);
    println!("moved runs: 2 of TensorBoard's came here and went back, read by EventAccumulator");
}

/// Fetches a version by MLflow's client; registers a folder as a version of another model.
const FETCH_AND_REGISTER: &str = r#"
import hashlib, json, os, sys, mlflow
from mlflow import MlflowClient
uri, to, model = sys.argv[1:]
mlflow.set_tracking_uri(uri)
found = {}
for address in ("models:/squares/1", "models:/squares@champion"):
    path = mlflow.artifacts.download_artifacts(address, dst_path=os.path.join(to, address.replace("/", "_")))
    files = {}
    for folder, _, names in os.walk(path):
        for name in names:
            file = os.path.join(folder, name)
            files[os.path.relpath(file, path)] = hashlib.sha256(open(file, "rb").read()).hexdigest()
    found[address] = files
with mlflow.start_run() as run:
    mlflow.log_artifacts(model, "model")
    mlflow.log_text("flavors: {}", "model/MLmodel")
    mlflow.log_text("nothing", "other/MLmodel")
client = MlflowClient()
client.create_registered_model("theirs")
for folder in ("model", "other"):
    client.create_model_version("theirs", f"{run.info.artifact_uri}/{folder}", run_id=run.info.run_id)
print(json.dumps(found))
"#;

#[test]
fn models_go_to_mlflows_client_and_come_back() {
    let Some(client) = skipped("MVL_TEST_MLFLOW_PYTHON", "with_trackers.sh") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    pictures(&folder.join("photos"), 20);
    train(folder, &["--run-dir", "first", "--register", "squares"]);
    mvl_in(folder, &["registry", "promote", "squares", "1"]).succeeds();
    let shown = mvl_in(folder, &["registry", "show", "squares/1", "--json"]).succeeds().json();
    let listed: BTreeMap<String, String> = shown["manifest"]["files"]
        .as_object()
        .expect("files")
        .iter()
        .map(|(path, file)| (path.clone(), file["digest"].as_str().expect("a digest").replace("sha256:", "")))
        .collect();
    let model = folder.join("first/checkpoints/best");

    let server = Server::start(folder);
    let uri = format!("http://{}", server.address);
    let (to, from) = (folder.join("fetched"), folder.join("plain"));
    fs::create_dir(&to).expect("writable");
    fs::create_dir(&from).expect("writable");
    for name in ["model.json", "weights.bpk"] {
        fs::copy(model.join(name), from.join(name)).expect("copied");
    }
    let path = |path: &Path| path.to_str().expect("plain").to_owned();
    let told = python(&client, FETCH_AND_REGISTER, &[&uri, &path(&to), &path(&from)]);
    server.kill();
    let found: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_str(told.lines().last().expect("a line")).expect("JSON");
    assert_eq!(found["models:/squares/1"], listed);
    assert_eq!(found["models:/squares@champion"], listed);

    let picture = "photos/dark/0.png";
    let predicted = |model: &str| mvl_in(folder, &["predict", "--model", model, picture, "--json"]).succeeds().stdout;
    assert_eq!(predicted("models:/theirs/1"), predicted("first"));
    mvl_in(folder, &["predict", "--model", "models:/theirs/2", picture])
        .fails(1, &["expected model.json and weights.bpk", "got MLmodel", "mvl registry register theirs FOLDER"]);
    println!("moved models: MLflow's client fetched {} files twice, and its version loads", listed.len());
}
