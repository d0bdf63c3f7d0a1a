//! Hostile paths, and files that lie elsewhere.

use serde_json::json;

use crate::server::Served;

const PROXY: &str = "/api/2.0/mlflow-artifacts/artifacts";

#[test]
fn no_path_leads_out() {
    let server = Served::start();
    let (experiment, run) = server.run();
    let root = format!("{experiment}/{run}/artifacts");
    for path in [
        "..",
        "../x",
        "a/../../x",
        "..%2fx",
        "%2e%2e/x",
        "%2E%2E%2Fx",
        "a%252f..%252f..%252fx",
        "..%5cx",
        "a%5c..%5cb",
        "a%00b",
        "a%0ab",
        "a%23b",
        "C:%5cx",
        "C:x",
        "%2fetc%2fpasswd",
        "file:%2f%2f%2fetc%2fpasswd",
        "%ff%fe",
        "a//b",
        "a/./b",
    ] {
        for (method, body) in [("PUT", "x"), ("GET", ""), ("DELETE", "")] {
            for place in [format!("{PROXY}/{root}/{path}"), format!("{PROXY}/{path}")] {
                let reply = server.ask_with(method, &place, &[], body.as_bytes());
                let refused = matches!(reply.status, 400 | 404);
                assert!(
                    refused && !String::from_utf8_lossy(&reply.body).contains("root:"),
                    "{method} {place}: {reply:?}"
                );
            }
        }
    }
    let listed = server.get(&format!("/api/2.0/mlflow/artifacts/list?run_id={run}")).json();
    assert!(listed.get("files").is_none(), "{listed}");
}

#[test]
fn lists_do_not_lead_out_either() {
    let server = Served::start();
    let (_, run) = server.run();
    for path in ["..", "../x", "%2e%2e/x", "%252e%252e", "/etc", "a/../../b", "file:///etc", "a%5cb"] {
        for place in [
            format!("{PROXY}?path={path}"),
            format!("/api/2.0/mlflow/artifacts/list?run_id={run}&path={path}"),
            format!("/get-artifact?run_id={run}&path={path}"),
        ] {
            let reply = server.get(&place);
            assert_eq!((reply.status, reply.code().as_str()), (400, "INVALID_PARAMETER_VALUE"), "{place}");
        }
    }
}

#[test]
fn files_elsewhere_are_not_read() {
    let server = Served::start();
    for location in ["file:///etc", "/etc", "s3://bucket/runs", "http://192.0.2.1/x"] {
        let experiment =
            server.post("experiments/create", &json!({"name": location, "artifact_location": location})).json();
        let run = server.post("runs/create", &json!({"experiment_id": experiment["experiment_id"]})).json();
        let id = run["run"]["info"]["run_id"].as_str().expect("an id");
        for place in
            [format!("/get-artifact?run_id={id}&path=passwd"), format!("/api/2.0/mlflow/artifacts/list?run_id={id}")]
        {
            let reply = server.get(&place);
            assert_eq!((reply.status, reply.code().as_str()), (400, "INVALID_PARAMETER_VALUE"), "{location}");
        }
    }
}

#[test]
fn versions_do_not_point_at_others_files() {
    let server = Served::start();
    let (experiment, run) = server.run();
    server.post("registered-models/create", &json!({"name": "m"}));
    for source in [
        "/etc/passwd",
        "file:///etc/passwd",
        "passwd",
        "../x",
        "s3://b/../c",
        "mlflow-artifacts:/../../etc",
        "mlflow-artifacts:/%252e%252e/b",
        "mlflow-artifacts:/0/0123456789abcdef0123456789abcdef/artifacts/m",
        "runs:/0123456789abcdef0123456789abcdef/m",
        "models:/m-1234",
        "s3://b/a%00",
    ] {
        let reply = server.post("model-versions/create", &json!({"name": "m", "source": source, "run_id": run}));
        assert_eq!((reply.status, reply.code().as_str()), (400, "INVALID_PARAMETER_VALUE"), "{source}");
    }
    let source = format!("mlflow-artifacts:/{experiment}/{run}/artifacts/m");
    assert_eq!(
        server.post("model-versions/create", &json!({"name": "m", "source": source, "run_id": run})).status,
        200
    );
}

#[test]
fn pages_among_the_files_do_not_run() {
    let server = Served::start();
    let (experiment, run) = server.run();
    let path = format!("{PROXY}/{experiment}/{run}/artifacts/%C3%BC%22.html");
    assert_eq!(server.ask_with("PUT", &path, &[], b"<script>").status, 200);
    let reply = server.get(&path);
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    let sent = reply.header("content-disposition").expect("how it is shown");
    assert_eq!(sent, "attachment; filename=\"__.html\"; filename*=UTF-8''%C3%BC%22.html");
}
