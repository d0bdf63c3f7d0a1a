//! The Rust client against the service.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mvl_core::{Channels, Cpu, Image};
use mvl_data::encode_png;
use mvl_infer::{DataType, HostTensor};
use mvl_models::zoo;
use mvl_serve::client::{Client, ClientError, InferRequest, PredictOptions, TensorEncoding};
use mvl_serve::models::{ClassifierModels, IdentityModels};
use mvl_serve::{ApiKeys, GatewayOptions, NewModel};

use crate::served::{Served, save_model};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn client(served: &Served) -> Client {
    Client::new(&format!("http://{}", served.address)).expect("an address")
}

#[test]
fn tensors_come_back_as_they_were_in_binary_and_in_json() {
    let served = Served::start(Arc::new(IdentityModels), GatewayOptions::default());
    runtime().block_on(async {
        let client = client(&served);
        assert!(client.is_live().await.expect("there") && client.is_ready().await.expect("there"));
        assert!(client.server_metadata().await.expect("told").extensions.contains(&"binary_tensor_data".to_owned()));
        let new = client.create_model(&NewModel::new("echo", "identity:FP32,BYTES")).await.expect("created");
        assert_eq!((new.state.as_str(), new.platform.as_deref()), ("ready", Some("identity")));
        let metadata = client.model_metadata("echo", Some("1")).await.expect("told");
        assert_eq!(metadata.inputs[1].datatype, DataType::Bytes);
        assert_eq!(metadata.outputs[0].wire_shape(), [-1, -1]);
        let numbers = HostTensor::from_f32(vec![1, 3], &[1.5, -0.0, 1e-42]);
        let texts = HostTensor::from_texts(vec![1, 2], &["ä\n", ""]);
        for encoding in [TensorEncoding::Binary, TensorEncoding::Json] {
            let request = InferRequest {
                id: Some("seven".to_owned()),
                ..InferRequest::new("echo")
                    .with_version("1")
                    .with_input("INPUT1", texts.clone())
                    .with_input("INPUT0", numbers.clone())
            };
            let answer = client.clone().with_encoding(encoding).infer(&request).await.expect("answered");
            assert_eq!((answer.model.as_str(), answer.version.as_deref()), ("echo", Some("1")));
            assert_eq!(answer.id.as_deref(), Some("seven"));
            assert_eq!((answer.output("OUTPUT0"), answer.output("OUTPUT1")), (Some(&numbers), Some(&texts)));
            let one = request.clone().with_output("OUTPUT1");
            assert_eq!(client.infer(&one).await.expect("answered").outputs, [("OUTPUT1".to_owned(), texts.clone())]);
        }
        // NaN has no JSON; binary keeps it.
        let odd = InferRequest::new("echo")
            .with_input("INPUT0", HostTensor::from_f32(vec![1, 1], &[f32::NAN]))
            .with_input("INPUT1", HostTensor::from_texts(vec![1, 1], &[&b"\xff"[..]]));
        let answer = client.infer(&odd).await.expect("answered");
        assert!(answer.output("OUTPUT0").expect("there").to_f32().expect("numbers")[0].is_nan());
        let error = client.clone().with_encoding(TensorEncoding::Json).infer(&odd).await.expect_err("no text");
        assert!(matches!(error, ClientError::Request { .. }), "{error}");
        client.delete_model("echo").await.expect("deleted");
        assert_eq!(client.infer(&odd).await.expect_err("gone").status(), Some(404));
        assert!(client.models().await.expect("told").is_empty());
    });
}

#[test]
fn pictures_and_versions() {
    let folder = tempfile::tempdir().expect("a folder");
    for (version, label) in [("1", "cat"), ("2", "dog")] {
        save_model(&folder.path().join(version), label);
    }
    let served = Served::start(Arc::new(ClassifierModels::<Cpu>::new(zoo())), GatewayOptions::default());
    let path = |version: &str| folder.path().join(version).to_str().expect("a plain path").to_owned();
    let png = encode_png(&Image::new(28, 28, Channels::Gray, vec![7; 784]).expect("a picture"));
    runtime().block_on(async {
        let client = client(&served);
        let told = client.create_model(&NewModel::new("pets", path("1"))).await.expect("created");
        assert_eq!((told.classes, told.model.as_deref()), (Some(2), Some("resnet8")));
        assert!(told.preprocess.is_some());
        let seen = client.predict("pets", png.clone(), &PredictOptions::default()).await.expect("seen");
        assert_eq!(seen.predictions[0].len(), 2);
        let twice = client.predict_all("pets", &[&png, &png], &PredictOptions::top(1)).await.expect("seen");
        assert_eq!(twice.predictions, [&seen.predictions[0][..1], &seen.predictions[0][..1]]);
        client.unload("pets").await.expect("unloaded");
        let error = client.predict("pets", png.clone(), &PredictOptions::default()).await.expect_err("unloaded");
        assert_eq!(error.status(), Some(503));
        assert!(!client.is_model_ready("pets", None).await.expect("told"));
        assert_eq!(client.load("pets").await.expect("loaded").state, "ready");
        assert_eq!(client.promote("pets").await.expect_err("no canary").status(), Some(400));
    });
}

#[test]
fn what_goes_wrong_has_a_type() {
    let keys = ApiKeys::default().with("a key of twenty four").expect("a key");
    let served = Served::start(Arc::new(IdentityModels), GatewayOptions { keys, ..GatewayOptions::default() });
    for address in ["127.0.0.1:8000", "ftp://localhost", "http://", "data:,x", "http://user:secret@localhost"] {
        let error = Client::new(address).expect_err(address);
        assert!(matches!(error, ClientError::Address { .. }) && !error.to_string().contains("secret"), "{error}");
    }
    runtime().block_on(async {
        let client = client(&served);
        assert_eq!(client.models().await.expect_err("no key").status(), Some(401));
        assert!(client.clone().with_key("a\nb").is_err());
        let client = client.with_key("a key of twenty four").expect("a key");
        assert!(!format!("{client:?}").contains("twenty"), "{client:?}");
        assert!(client.models().await.expect("it knows the key").is_empty());
        let small = client.clone().with_answer_bytes(10).server_metadata().await.expect_err("too long");
        assert!(matches!(small, ClientError::Answer { .. }), "{small}");
        let nobody = Client::new("http://127.0.0.1:1").expect("an address");
        assert!(!nobody.is_live().await.expect("nobody there"));
        assert!(matches!(nobody.models().await, Err(ClientError::Connection { .. })));
    });
}

/// A server that refuses so often with a header, and then answers.
async fn refuses(times: usize, header: &'static str) -> (Client, tokio::task::JoinHandle<usize>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let served = tokio::spawn(async move {
        for turn in 0.. {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.expect("a request");
            assert!(read > 0);
            let (line, body) = match turn < times {
                true => (format!("503 Busy\r\n{header}"), r#"{"error":"busy"}"#),
                false => ("200 OK\r\nx: y".to_owned(), r#"{"models":[]}"#),
            };
            let text = format!("HTTP/1.1 {line}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(text.as_bytes()).await.expect("sent");
            if turn == times {
                return turn;
            }
        }
        0
    });
    (Client::new(&format!("http://{address}")).expect("an address"), served)
}

#[test]
fn a_server_that_is_busy_is_asked_again_in_time() {
    runtime().block_on(async {
        let begun = Instant::now();
        let (client, served) = refuses(1, "retry-after: 1").await;
        assert!(client.models().await.expect("the second time").is_empty());
        assert_eq!(served.await.expect("answered"), 1);
        assert!(begun.elapsed() >= Duration::from_secs(1));
        // Not when the answer would be late, nor without a time to come again.
        for (header, timeout) in
            [("retry-after: 60", 5), ("x: y", 5), ("retry-after: 1", 0), ("retry-after: 18446744073709551615", 5)]
        {
            let (client, served) = refuses(9, header).await;
            let begun = Instant::now();
            let timeout = Duration::from_secs(timeout) + Duration::from_millis(500);
            let error = client.with_timeout(timeout).models().await.expect_err("busy");
            assert_eq!(error.status(), Some(503), "{header}: {error}");
            assert!(begun.elapsed() < Duration::from_millis(450), "{header}");
            served.abort();
        }
    });
}
