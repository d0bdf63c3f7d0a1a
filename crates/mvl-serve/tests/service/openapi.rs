//! The OpenAPI document says what is routed, all of it and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use mvl_serve::GatewayOptions;
use mvl_serve::models::IdentityModels;
use serde_json::Value;

use crate::served::Served;

/// Where routes are added to the router.
const SOURCES: [&str; 4] = [
    include_str!("../../src/oip/rest/mod.rs"),
    include_str!("../../src/predict/rest.rs"),
    include_str!("../../src/monitoring/mod.rs"),
    include_str!("../../src/router.rs"),
];
/// The verbs behind a model's name, which axum takes as part of the name.
const VERBS: [&str; 7] = ["predict", "load", "unload", "promote", "rollback", "canary", "shadow"];

/// The paths in `.route("…"` and `both(router, "…"`.
fn routed() -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for source in SOURCES {
        for rest in source.split(".route(").skip(1) {
            if let Some(path) = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                paths.insert(path.to_owned());
            }
        }
        for rest in source.split("both(router, \"").skip(1) {
            let end = rest.split('"').next().expect("a path");
            paths.insert(format!("/v2/models/{{model}}{end}"));
            paths.insert(format!("/v2/models/{{model}}/versions/{{version}}{end}"));
        }
    }
    paths
}

#[test]
fn every_route_is_in_the_document_and_every_path_of_it_is_routed() {
    let served = Served::start(Arc::new(IdentityModels), GatewayOptions::default());
    let document = served.get("/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().expect("paths");
    let mut documented: BTreeSet<String> = paths.keys().cloned().collect();
    for (path, methods) in paths {
        let asked = path.replace("{model}", "none").replace("{version}", "1").replace("{region}", "r");
        for (method, operation) in methods.as_object().expect("methods") {
            let reply =
                served.ask(&format!("{} {asked}", method.to_uppercase()), &["content-type: application/json"], b"");
            let nowhere = reply.error().is_some_and(|error| error.contains("there is nothing at"));
            assert!(reply.status != 405 && reply.status != 0 && !nowhere, "{method} {path}: {reply:?}");
            let told = operation["responses"].get(reply.status.to_string());
            assert!(told.is_some(), "{method} {path} answers {}, which is not in the document", reply.status);
        }
        // Another method is refused where the document has none.
        if methods.get("delete").is_none() && !path.contains(':') {
            let reply = served.ask(&format!("DELETE {asked}"), &[], b"");
            let one_of_v1 = path == "/v1/models/{model}/stream";
            assert!(matches!(reply.status, 404 | 405) || one_of_v1, "DELETE {path}: {reply:?}");
        }
    }
    for verb in VERBS {
        assert!(documented.remove(&format!("/v1/models/{{model}}:{verb}")), "{verb}");
    }
    assert!(documented.remove("/v1/models/{model}/versions/{version}:predict"));
    let mut routed = routed();
    assert!(routed.remove("/v1/models/{model}/versions/{version}"), "only with a verb");
    assert!(routed.len() > 20, "{routed:?}");
    assert_eq!(routed, documented);
    let references = serde_json::to_string(&document).expect("JSON");
    for name in references.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert_ne!(document["components"]["schemas"][name], Value::Null, "{name}");
    }
}
