//! Versions come and go while requests are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use mvl_core::Cpu;
use mvl_infer::{DataType, Engine, EngineError, HostTensor, Signature, TensorSpec};
use mvl_models::zoo;
use mvl_serve::models::{ClassifierModels, FoundVersion, LoadOptions, ModelDefinition, ModelParts, ModelSource};
use mvl_serve::{GatewayOptions, ServiceError};

use crate::served::{Served, save_model};

/// Adds its version to what it gets, after a moment.
struct Adds {
    signature: Signature,
    version: usize,
}

impl Engine for Adds {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn platform(&self) -> &str {
        "adds"
    }

    fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
        std::thread::sleep(Duration::from_millis(1));
        let sums: Vec<f32> = inputs[0].to_f32()?.iter().map(|value| value + self.version as f32).collect();
        Ok(vec![HostTensor::from_f32(inputs[0].shape().to_vec(), &sums)])
    }
}

/// A source whose current version is a number, and which may be out of reach.
struct Versions {
    current: AtomicUsize,
    away: AtomicBool,
}

impl ModelSource for Versions {
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(ServiceError::new(mvl_serve::Trouble::Unavailable, "the store is away"));
        }
        let version = source.parse().unwrap_or_else(|_| self.current.load(Ordering::SeqCst));
        Ok(FoundVersion::fixed(version.to_string(), format!("v{version}")))
    }

    fn load(&self, found: &FoundVersion, options: &LoadOptions) -> Result<ModelParts, ServiceError> {
        let spec = |name| vec![TensorSpec::new(name, DataType::Fp32, &[-1, 1])];
        let signature = Signature { inputs: spec("x"), outputs: spec("y"), batched: true };
        let version = found.version.parse().expect("a number");
        let engine: Arc<dyn Engine> = Arc::new(Adds { signature, version });
        Ok(ModelParts { replicas: vec![engine; options.replicas], classifier: None })
    }
}

fn ask(served: &Served, value: usize) -> (String, f64) {
    let body = format!(r#"{{"inputs":[{{"name":"x","shape":[1,1],"datatype":"FP32","data":[{value}]}}]}}"#);
    let reply = served.post("/v2/models/m/infer", body.as_bytes());
    assert_eq!(reply.status, 200, "{reply:?}");
    let json = reply.json();
    let version = json["model_version"].as_str().expect("a version").to_owned();
    (version, json["outputs"][0]["data"][0].as_f64().expect("a number"))
}

fn served() -> (Served, Arc<Versions>) {
    let versions = Arc::new(Versions { current: AtomicUsize::new(1), away: AtomicBool::new(false) });
    let served = Served::start(versions.clone(), GatewayOptions::default());
    served.repository.define(ModelDefinition { replicas: 2, ..ModelDefinition::new("m", "current") }).expect("new");
    served.repository.load("m").expect("loaded");
    (served, versions)
}

#[test]
fn requests_are_answered_whatever_is_loaded_meanwhile() {
    let (served, versions) = served();
    let done = AtomicBool::new(false);
    let asked = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (served, done, asked) = (&served, &done, &asked);
            scope.spawn(move || {
                let mut value = thread * 1000;
                while !done.load(Ordering::SeqCst) {
                    let (version, sum) = ask(served, value);
                    // Whichever version answered, it is the version's answer.
                    assert_eq!(sum, value as f64 + version.parse::<f64>().expect("a number"));
                    asked.fetch_add(1, Ordering::SeqCst);
                    value += 1;
                }
            });
        }
        for round in 2..12 {
            versions.current.store(round, Ordering::SeqCst);
            versions.away.store(round % 3 == 0, Ordering::SeqCst);
            served.repository.poll();
            match round % 4 {
                0 => served.repository.set_canary("m", "1", 30).unwrap_or_default(),
                1 => drop(served.repository.rollback("m")),
                2 => served.repository.set_shadow("m", "1", 50).unwrap_or_default(),
                _ => drop(served.repository.promote_canary("m")),
            }
            std::thread::sleep(Duration::from_millis(40));
        }
        done.store(true, Ordering::SeqCst);
    });
    assert!(asked.load(Ordering::SeqCst) > 100, "{asked:?}");
}

#[test]
fn shares_are_kept_and_told_apart() {
    let (served, _) = served();
    served.repository.set_canary("m", "2", 25).expect("a version");
    let canary = (0..100).filter(|&value| ask(&served, value).0 == "2").count();
    assert_eq!(canary, 25);
    served.repository.set_shadow("m", "3", 50).expect("a version");
    (0..100).for_each(|value| assert_ne!(ask(&served, value).0, "3", "a shadow answers nobody"));
    let told = served.get("/v1/models/m").json();
    assert_eq!((told["canary"]["percent"].as_u64(), told["shadow"]["version"].as_str()), (Some(25), Some("3")));
    let page = served.get("/metrics").body;
    let answered = |version: &str| {
        let line = format!("mvl_serve_requests_total{{model=\"m\",version=\"{version}\",outcome=\"answered\"}} ");
        let rest = page.split(&line).nth(1).unwrap_or_else(|| panic!("{line} in {page}"));
        rest.lines().next().and_then(|count| count.parse::<u64>().ok()).expect("a count")
    };
    assert_eq!((answered("1"), answered("2")), (150, 50));
    assert!((45..=50).contains(&answered("3")), "the last may be at it: {}", answered("3"));
    assert_eq!(served.repository.promote_canary("m").expect("it has one"), "2");
    assert_eq!(ask(&served, 1), ("2".to_owned(), 3.0));
    assert_eq!(served.repository.rollback("m").expect("at once"), "1");
    assert_eq!(ask(&served, 1).0, "1");
    assert!(served.repository.poll().is_empty(), "the source stands for version 1 still");
}

#[test]
fn a_version_that_cannot_be_loaded_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    save_model(&folder.path().join("1"), "first");
    let served = Served::start(Arc::new(ClassifierModels::<Cpu>::new(zoo())), GatewayOptions::default());
    let source = folder.path().to_str().expect("a plain path");
    served.repository.define(ModelDefinition::new("cats", source)).expect("new");
    served.repository.load("cats").expect("loaded");
    save_model(&folder.path().join("2"), "second");
    let weights = folder.path().join("2/weights.bpk");
    let whole = std::fs::read(&weights).expect("weights");
    std::fs::write(&weights, &whole[..whole.len() / 2]).expect("cut short");
    let polled = served.repository.poll();
    assert!(matches!(&polled[..], [(name, Err(_))] if name == "cats"), "{polled:?}");
    assert_eq!(served.get("/v1/models/cats").json()["version"], "1");
    assert_eq!(served.get("/v2/models/cats/ready").status, 200);
    std::fs::write(&weights, &whole).expect("whole");
    assert_eq!(served.repository.poll().len(), 1);
    assert_eq!(served.get("/v1/models/cats").json()["version"], "2");
    served.repository.unload("cats").expect("loaded");
    assert_eq!(served.get("/v2/models/cats/ready").status, 503);
}
