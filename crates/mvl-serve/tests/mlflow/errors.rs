//! Errors in MLflow's form, with its codes and statuses.

use serde_json::json;

use crate::server::Served;

const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];

#[test]
fn errors_have_mlflows_form() {
    let server = Served::start();
    let reply = server.get("/api/2.0/mlflow/runs/get?run_id=none");
    assert_eq!(reply.status, 404);
    assert_eq!(
        reply.json(),
        json!({
            "error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Run with id=none not found", "sqlstate": "KAM00",
            "error_class": "RESOURCE_NOT_FOUND",
        })
    );
    for (path, body, status, code) in [
        ("experiments/create", json!({}), 400, "INVALID_PARAMETER_VALUE"),
        ("experiments/create", json!({"name": "Default"}), 400, "RESOURCE_ALREADY_EXISTS"),
        ("experiments/create", json!({"name": ["a"]}), 400, "INVALID_PARAMETER_VALUE"),
        ("experiments/delete", json!({"experiment_id": "99"}), 404, "RESOURCE_DOES_NOT_EXIST"),
        (
            "runs/search",
            json!({"experiment_ids": ["0"], "filter": "metrics.a LIKE 'b'"}),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        ("runs/update", json!({"run_id": "none", "status": "HALFWAY"}), 400, "INVALID_PARAMETER_VALUE"),
        (
            "runs/log-batch",
            json!({"run_id": "none", "metrics": [{"key": "m", "value": "much", "timestamp": 1}]}),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
    ] {
        let reply = server.post(path, &body);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{path} {body}");
    }
}

#[test]
fn nowhere_and_wrong_methods() {
    let server = Served::start();
    let reply = server.get("/api/2.0/mlflow/nowhere");
    assert_eq!((reply.status, reply.code().as_str()), (404, "ENDPOINT_NOT_FOUND"));
    assert_eq!(server.get("/api/2.0/mlflow/runs/create").status, 405);
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn what_is_no_json() {
    let server = Served::start();
    for body in ["{bad", "[1]", "5", "\"{bad\"", "{\"name\": 1e999}", "\u{0}"] {
        let reply = server.ask_with("POST", "/api/2.0/mlflow/experiments/create", JSON, body.as_bytes());
        assert_eq!((reply.status, reply.code().as_str()), (400, "INVALID_PARAMETER_VALUE"), "{body}");
    }
    // A search has no field that must be there, and still is not made of what cannot be read.
    let reply = server.ask_with("POST", "/api/2.0/mlflow/runs/search", JSON, b"{bad");
    assert_eq!((reply.status, reply.code().as_str()), (400, "INVALID_PARAMETER_VALUE"));
    let deep = "[".repeat(100_000);
    let reply = server.ask_with("POST", "/api/2.0/mlflow/runs/search", JSON, format!("{{\"a\": {deep}").as_bytes());
    assert_eq!(reply.status, 400, "an endless nest of lists");
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let reply = server.ask_with(
            "POST",
            "/api/2.0/mlflow/experiments/create",
            &[("Content-Type", kind)],
            b"{\"name\": \"a\"}",
        );
        assert_eq!(reply.status, 400, "{kind:?}");
    }
}

#[test]
fn whole_numbers_are_numbers_and_nan_is_text() {
    let server = Served::start();
    let (_, run) = server.run();
    for (value, step) in [(json!("NaN"), json!("1")), (json!(0.5), json!(2))] {
        let body = json!({"run_id": run, "key": "m", "value": value, "timestamp": "1700000000000", "step": step});
        assert_eq!(server.post("runs/log-metric", &body).status, 200);
    }
    let history = server.get(&format!("/api/2.0/mlflow/metrics/get-history?run_id={run}&metric_key=m")).json();
    assert_eq!(
        history,
        json!({"metrics": [
            {"key": "m", "value": "NaN", "timestamp": 1_700_000_000_000_i64, "step": 1},
            {"key": "m", "value": 0.5, "timestamp": 1_700_000_000_000_i64, "step": 2},
        ]})
    );
}
