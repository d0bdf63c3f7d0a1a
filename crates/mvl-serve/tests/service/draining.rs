//! The end of a server: what is under way is answered, and nothing new is taken.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mvl_serve::GatewayOptions;
use mvl_serve::models::{FixedModels, ModelDefinition};

use crate::grpc::proto::inference as proto;
use crate::grpc::{GrpcClient, runtime};
use crate::security::FINE;
use crate::served::{Reply, Served};
use crate::slow::Slow;

/// How long an answer takes.
const PASS: Duration = Duration::from_millis(700);

fn served() -> Served {
    let slow = Slow::identity(PASS);
    let served = Served::start(Arc::new(FixedModels::new(vec![("slow".to_owned(), slow)])), GatewayOptions::default());
    served.repository.add(ModelDefinition::new("slow", "slow")).expect("loaded");
    served
}

/// Sends a request and does not wait for its answer; returns once the engine is at it.
fn under_way(served: &Served) -> TcpStream {
    let mut stream = served.connect();
    let head = format!(
        "POST /v2/models/slow/infer HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{FINE}",
        served.address,
        FINE.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    until_it_runs(served);
    stream
}

fn until_it_runs(served: &Served) {
    let model = served.repository.versions("slow").expect("loaded").remove(0);
    let begun = Instant::now();
    while model.batcher.replicas()[0].running.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(5), "it is taken");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_server_that_drains_is_not_ready_and_answers() {
    let served = served();
    assert_eq!(served.get("/v2/health/ready").status, 200);
    served.repository.drain();
    let ready = served.get("/v2/health/ready");
    let says_why = ready.error().is_some_and(|error| error.contains("about to end"));
    assert!(ready.status == 503 && says_why, "{ready:?}");
    assert_eq!(served.get("/v2/health/live").status, 200);
    let reply = served.post("/v2/models/slow/infer", FINE.as_bytes());
    assert_eq!((reply.status, &reply.json()["outputs"][0]["data"]), (200, &serde_json::json!([1.0, 2.0])), "{reply:?}");
    runtime().block_on(async {
        let mut client = GrpcClient::connect(served.address, "inference.GRPCInferenceService").await;
        let ready: proto::ServerReadyResponse =
            client.ask("ServerReady", proto::ServerReadyRequest {}).await.expect("told");
        assert!(!ready.ready);
    });
}

#[test]
fn what_is_under_way_is_answered_and_nobody_else_is_let_in() {
    let mut served = served();
    let idle = served.connect(); // asks nothing and is not waited for
    let waiting = under_way(&served);
    let begun = Instant::now();
    served.end();
    while TcpStream::connect(served.address).is_ok() {
        assert!(begun.elapsed() < PASS / 2, "new connections are refused");
        std::thread::sleep(Duration::from_millis(5));
    }
    let reply = Reply::read(waiting);
    assert_eq!((reply.status, &reply.json()["outputs"][0]["data"]), (200, &serde_json::json!([1.0, 2.0])), "{reply:?}");
    assert!(begun.elapsed() < 3 * PASS, "and then the connection is closed: {:?}", begun.elapsed());
    drop(idle);
}

#[test]
fn a_call_over_grpc_that_is_under_way_is_answered() {
    let mut served = served();
    let address = served.address;
    let asking = std::thread::spawn(move || {
        runtime().block_on(async {
            let mut client = GrpcClient::connect(address, "inference.GRPCInferenceService").await;
            let input = proto::model_infer_request::InferInputTensor {
                name: "INPUT0".to_owned(),
                datatype: "FP32".to_owned(),
                shape: vec![1, 1],
                ..Default::default()
            };
            let request = proto::ModelInferRequest {
                model_name: "slow".to_owned(),
                inputs: vec![input],
                raw_input_contents: vec![2.5_f32.to_le_bytes().to_vec().into()],
                ..Default::default()
            };
            client.ask::<_, proto::ModelInferResponse>("ModelInfer", request).await
        })
    });
    until_it_runs(&served);
    served.end();
    let answer = asking.join().expect("no panic").expect("answered");
    assert_eq!(answer.raw_output_contents, [&2.5_f32.to_le_bytes()[..]]);
}
