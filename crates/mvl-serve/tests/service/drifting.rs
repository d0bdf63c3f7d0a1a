//! Pictures and answers are compared with those that a model was made with, and `/metrics` says how far they have gone.

use std::sync::Arc;

use mvl_core::{Cpu, SampleRng};
use mvl_data::InputTensor;
use mvl_infer::Predictor;
use mvl_infer::drift::DriftGatherer;
use mvl_models::zoo;
use mvl_serve::GatewayOptions;
use mvl_serve::models::{ClassifierModels, ModelDefinition};

use crate::served::{Served, save_model};

const SIDE: usize = 28;

/// A prepared picture: one level for all of it, with some noise.
fn picture(rng: &mut SampleRng, darker: f64) -> Vec<f32> {
    let level = rng.between(-1.0, 1.0) - darker;
    (0..SIDE * SIDE).map(|_| (level + rng.between(-0.5, 0.5)) as f32).collect()
}

fn ask(served: &Served, rng: &mut SampleRng, darker: f64) {
    for _ in 0..40 {
        let values: Vec<f32> = (0..8).flat_map(|_| picture(rng, darker)).collect();
        let input =
            serde_json::json!({ "name": "images", "shape": [8, 1, SIDE, SIDE], "datatype": "FP32", "data": values });
        let body = serde_json::json!({ "inputs": [input] }).to_string();
        let reply = served.post("/v2/models/net/infer", body.as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
}

/// The value of a series on the page.
fn value(page: &str, name: &str, figure: &str) -> f64 {
    let begins = format!("mvl_serve_{name}{{model=\"net\",version=\"1\",figure=\"{figure}\"}} ");
    let line = page.lines().find_map(|line| line.strip_prefix(&begins));
    line.unwrap_or_else(|| panic!("no {begins} in {page}")).parse().expect("a number")
}

#[test]
fn darker_pictures_are_seen_as_such() {
    let folder = tempfile::tempdir().expect("a folder");
    save_model(folder.path(), "cat");
    let predictor = Predictor::<Cpu>::load(folder.path()).expect("a model");
    let (mut rng, mut gatherer) = (SampleRng::new([1, 0, 0, 0]), DriftGatherer::new(1));
    for _ in 0..400 {
        let picture = picture(&mut rng, 0.0);
        let image = InputTensor { shape: [1, SIDE, SIDE], values: picture };
        let answer = predictor.predict_prepared(&[&image]).remove(0).expect("an answer");
        gatherer.add(&image.values, answer.probabilities());
    }
    gatherer.finish().write(folder.path()).expect("written");

    let source = Arc::new(ClassifierModels::<Cpu>::new(zoo()));
    let served = Served::start(source, GatewayOptions::default());
    let definition = ModelDefinition::new("net", folder.path().to_str().expect("UTF-8"));
    served.repository.add(definition).expect("loaded");
    assert!(!served.get("/metrics").body.contains("input_drift{"), "nothing was seen yet");

    ask(&served, &mut rng, 0.0);
    let page = served.get("/metrics").body;
    assert!(page.contains("mvl_serve_drift_rows{model=\"net\",version=\"1\"} 320"), "{page}");
    for figure in ["brightness", "contrast"] {
        assert!(value(&page, "input_drift", figure) < 0.15, "{page}");
    }
    assert!(value(&page, "prediction_drift", "confidence") < 0.15, "{page}");
    assert!(value(&page, "prediction_drift", "classes") < 0.15, "{page}");

    for _ in 0..3 {
        ask(&served, &mut rng, 1.5);
    }
    let page = served.get("/metrics").body;
    assert!(value(&page, "input_drift", "brightness") > 0.25, "{page}");
    assert!(value(&page, "input_drift", "contrast") < 0.15, "{page}");
}

#[test]
fn a_damaged_reference_keeps_a_version_out() {
    let folder = tempfile::tempdir().expect("a folder");
    save_model(folder.path(), "cat");
    std::fs::write(folder.path().join("reference.json"), "{").expect("written");
    let served = Served::start(Arc::new(ClassifierModels::<Cpu>::new(zoo())), GatewayOptions::default());
    let error = served.repository.add(ModelDefinition::new("net", folder.path().to_str().expect("UTF-8")));
    let message = error.expect_err("damaged").message;
    assert!(message.contains("reference.json") && message.contains("mvl models reference"), "{message}");
}
