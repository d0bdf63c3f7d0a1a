//! As much of MLflow's server as the logger needs, kept in memory, with faults on demand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use super::server::{Answer, Request, Server};

/// What is done to a request.
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// It is not looked at; this is the answer.
    Instead(Answer),
    /// It is carried out; this is the answer all the same.
    Afterwards(Answer),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Run {
    pub(crate) experiment: String,
    pub(crate) status: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) params: BTreeMap<String, String>,
    /// By name: steps and values, in the order they came.
    pub(crate) metrics: BTreeMap<String, Vec<(u64, Value)>>,
    pub(crate) artifacts: BTreeMap<String, Vec<u8>>,
}

impl Run {
    /// The steps that a metric was recorded for.
    pub(crate) fn steps(&self, metric: &str) -> Vec<u64> {
        self.metrics.get(metric).into_iter().flatten().map(|(step, _)| *step).collect()
    }
}

#[derive(Default)]
pub(crate) struct Records {
    pub(crate) experiments: Vec<String>,
    pub(crate) runs: Vec<Run>,
}

pub(crate) struct FakeMlflow {
    pub(crate) server: Server,
    records: Arc<Mutex<Records>>,
}

impl FakeMlflow {
    pub(crate) fn start() -> Self {
        Self::with_faults(|_, _| Fault::None)
    }

    /// The fault is chosen by the request and how many came before it.
    pub(crate) fn with_faults(mut fault: impl FnMut(&Request, usize) -> Fault + Send + 'static) -> Self {
        let records = Arc::<Mutex<Records>>::default();
        let (kept, mut count) = (records.clone(), 0);
        let server = Server::start(move |request| {
            count += 1;
            match fault(request, count - 1) {
                Fault::None => answer(&mut kept.lock().expect("not poisoned"), request),
                Fault::Instead(instead) => instead,
                Fault::Afterwards(afterwards) => {
                    let _ = answer(&mut kept.lock().expect("not poisoned"), request);
                    afterwards
                }
            }
        });
        Self { server, records }
    }

    pub(crate) fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().expect("not poisoned")
    }

    /// The only run.
    pub(crate) fn run(&self) -> Run {
        let records = self.records();
        assert_eq!(records.runs.len(), 1, "one run");
        records.runs[0].clone()
    }
}

fn answer(records: &mut Records, request: &Request) -> Answer {
    if let Some(path) = request.path.strip_prefix("/api/2.0/mlflow-artifacts/artifacts/0/") {
        let (run, path) = path.split_once("/artifacts/").expect("below a run");
        let run = &mut records.runs[number(run)];
        run.artifacts.insert(path.to_owned(), request.body.clone());
        return Answer::new(200, "{}");
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let known = |id: &str| records.runs.get(number(id)).is_some();
    let missing = || Answer::new(404, json!({"error_code": "RESOURCE_DOES_NOT_EXIST"}).to_string());
    let call = request.path.strip_prefix("/api/2.0/mlflow/").expect("MLflow's interface");
    match (request.method.as_str(), call) {
        ("GET", "experiments/get-by-name") => {
            let name = request.query.strip_prefix("experiment_name=").expect("a name");
            match records.experiments.iter().position(|known| known == name) {
                Some(place) => {
                    Answer::new(200, json!({"experiment": {"experiment_id": place.to_string()}}).to_string())
                }
                None => missing(),
            }
        }
        ("POST", "experiments/create") => {
            records.experiments.push(text(&body["name"]));
            Answer::new(200, json!({"experiment_id": (records.experiments.len() - 1).to_string()}).to_string())
        }
        ("POST", "runs/create") => {
            let experiment = records.experiments[number(&text(&body["experiment_id"]))].clone();
            let run = Run { experiment, status: "RUNNING".to_owned(), tags: pairs(&body["tags"]), ..Run::default() };
            records.runs.push(run);
            Answer::new(200, json!({"run": shown(records, records.runs.len() - 1)}).to_string())
        }
        ("POST", "runs/search") => {
            let filter = text(&body["filter"]);
            let wanted =
                filter.strip_prefix("tags.`mvl.start_id` = '").and_then(|id| id.strip_suffix('\'')).expect("a filter");
            let found = records.runs.iter().position(|run| run.tags["mvl.start_id"] == wanted);
            let runs: Vec<_> = found.into_iter().map(|place| shown(records, place)).collect();
            Answer::new(200, json!({"runs": runs}).to_string())
        }
        ("GET", "runs/get") => match request.query.strip_prefix("run_id=") {
            Some(id) if known(id) => Answer::new(200, json!({"run": shown(records, number(id))}).to_string()),
            _ => missing(),
        },
        ("POST", "runs/update") => {
            records.runs[number(&text(&body["run_id"]))].status = text(&body["status"]);
            Answer::new(200, "{}")
        }
        ("POST", "runs/log-batch") => {
            let [metrics, params] = ["metrics", "params"].map(|kind| body[kind].as_array().map_or(0, Vec::len));
            if metrics > 1_000 || params > 100 {
                return Answer::new(400, "too many");
            }
            let run = &mut records.runs[number(&text(&body["run_id"]))];
            run.tags.append(&mut pairs(&body["tags"]));
            for (key, value) in pairs(&body["params"]) {
                if run.params.insert(key.clone(), value.clone()).is_some_and(|old| old != value) {
                    return Answer::new(400, format!("changed {key}"));
                }
            }
            for metric in body["metrics"].as_array().into_iter().flatten() {
                let step = metric["step"].as_u64().expect("a step");
                run.metrics.entry(text(&metric["key"])).or_default().push((step, metric["value"].clone()));
            }
            Answer::new(200, "{}")
        }
        _ => Answer::new(404, "no such call"),
    }
}

fn shown(records: &Records, place: usize) -> Value {
    let params: Vec<_> =
        records.runs[place].params.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    let info = json!({"run_id": place.to_string(), "artifact_uri": format!("mlflow-artifacts:/0/{place}/artifacts"), "lifecycle_stage": "active"});
    json!({"info": info, "data": {"params": params}})
}

fn number(id: &str) -> usize {
    id.parse().unwrap_or(usize::MAX)
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

fn pairs(list: &Value) -> BTreeMap<String, String> {
    list.as_array().into_iter().flatten().map(|pair| (text(&pair["key"]), text(&pair["value"]))).collect()
}
