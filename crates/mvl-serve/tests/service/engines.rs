//! Models computed by another engine than burn, and graphs from files.

use std::sync::Arc;

use mvl_core::Cpu;
use mvl_infer::export::{OnnxAnswer, OnnxExport};
use mvl_models::zoo;
use mvl_serve::GatewayOptions;
use mvl_serve::models::{ClassifierModels, ModelDefinition};
use serde_json::json;

use crate::served::{Served, save_model};

#[test]
fn a_caller_may_choose_the_engine_but_not_its_library() {
    let folder = tempfile::tempdir().expect("a folder");
    save_model(folder.path(), "cat");
    let source = folder.path().display().to_string();
    let served = Served::start(Arc::new(ClassifierModels::<Cpu>::new(zoo())), GatewayOptions::default());
    served.repository.add(ModelDefinition::new("burn", &*source)).expect("it loads");
    let create = |model: serde_json::Value| served.post("/v1/models", model.to_string().as_bytes());
    let reply =
        create(json!({ "name": "rten", "source": source, "engine": "rten", "engine_threads": 1, "replicas": 2 }));
    assert_eq!(reply.status, 201, "{reply:?}");

    let photo =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/assets/pullover.png")).expect("there");
    let probability = |model: &str| {
        let reply = served.ask(&format!("POST /v1/models/{model}:predict"), &["content-type: image/png"], &photo);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["predictions"][0][0]["probability"].as_f64().expect("a number")
    };
    let difference = (probability("burn") - probability("rten")).abs();
    assert!(difference < 1e-4, "{difference}");
    let metadata = served.get("/v2/models/rten");
    assert_eq!(metadata.json()["platform"], "rten", "{metadata:?}");

    for (model, says) in [
        (json!({ "name": "x", "source": source, "engine": "tract" }), "unknown variant `tract`"),
        (json!({ "name": "x", "source": source, "engine": "rten", "engine_threads": 0 }), "1 to 1024 threads"),
        (json!({ "name": "x", "source": source, "engine_threads": 2 }), "RAYON_NUM_THREADS"),
        (
            json!({ "name": "x", "source": source, "engine": "ort", "library": "/tmp/evil.so" }),
            "unknown field `library`",
        ),
    ] {
        let reply = create(model);
        let error = reply.error().unwrap_or_default();
        assert!(reply.status == 400 && error.contains(says), "{says}: {reply:?}");
    }
}

#[test]
fn graphs_in_files_and_numbered_folders_are_served() {
    let folder = tempfile::tempdir().expect("a folder");
    save_model(&folder.path().join("saved"), "cat");
    let trained = mvl_infer::Predictor::<Cpu>::builder(folder.path().join("saved")).load_trained().expect("it loads");
    for version in ["1", "7"] {
        std::fs::create_dir_all(folder.path().join("graphs").join(version)).expect("a folder");
        let file = folder.path().join("graphs").join(version).join("model.onnx");
        let export = OnnxExport::of(&trained.model, [1, 28, 28]).with_spec(&trained.spec);
        export.with_answer(OnnxAnswer::Softmax).write(file).expect("written");
    }
    let served = Served::start(Arc::new(ClassifierModels::<Cpu>::new(zoo())), GatewayOptions::default());
    let add = |name: &str, path: &str, engine: &str| {
        let source = folder.path().join(path).display().to_string();
        let model = json!({ "name": name, "source": source, "engine": engine });
        served.post("/v1/models", model.to_string().as_bytes())
    };
    assert_eq!(add("file", "graphs/1/model.onnx", "rten").status, 201);
    let reply = add("folder", "graphs", "rten");
    assert_eq!(reply.status, 201, "{reply:?}");
    let photo =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/assets/pullover.png")).expect("there");
    for (model, version) in [("file", "1"), ("folder", "7")] {
        let reply = served.ask(&format!("POST /v1/models/{model}:predict"), &["content-type: image/png"], &photo);
        assert_eq!((reply.status, &reply.json()["version"]), (200, &json!(version)), "{reply:?}");
    }
    let reply = add("burn", "graphs/1/model.onnx", "burn");
    let error = reply.error().unwrap_or_default();
    assert!(reply.status == 400 && error.contains("use the engine ort or rten"), "{reply:?}");
}
