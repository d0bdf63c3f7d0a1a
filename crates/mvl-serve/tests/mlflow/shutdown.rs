//! A server ends when it is told to, after what is under way.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::server::Served;

#[test]
fn it_ends_and_what_was_acknowledged_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = crate::server::database(&folder);
    let mut id = String::new();
    for round in 0..2 {
        let runtime = tokio::runtime::Runtime::new().expect("threads");
        let tracker = runtime.block_on(mvl_track::Tracker::open(&database, "mlflow-artifacts:/")).expect("a database");
        let registry = mvl_track::Registry::new(tracker.database().clone());
        let blobs = mvl_store::Blobs::open(&crate::server::artifacts(&folder)).expect("a place");
        let mut server = Served::with(|options| mvl_serve::mlflow::ServeOptions {
            tracker: tracker.with_blobs(blobs),
            registry,
            ..options
        });
        if round == 0 {
            id = server.post("experiments/create", &json!({"name": "kept"})).json()["experiment_id"]
                .as_str()
                .expect("an id")
                .to_owned();
        } else {
            assert_eq!(server.get(&format!("/api/2.0/mlflow/experiments/get?experiment_id={id}")).status, 200);
        }
        let idle = std::net::TcpStream::connect(server.address).expect("a connection that asks nothing");
        let told = Instant::now();
        server.end();
        assert!(told.elapsed() < Duration::from_secs(15), "{:?}", told.elapsed());
        drop(idle);
    }
}
