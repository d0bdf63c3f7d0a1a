//! `mvl.v1.ModelService` over gRPC, on a socket.

use std::sync::Arc;

use bytes::Bytes;
use mvl_core::{Channels, Cpu, Image};
use mvl_data::encode_png;
use mvl_models::zoo;
use mvl_serve::models::{ClassifierModels, IdentityModels};
use mvl_serve::{ApiKeys, GatewayOptions, KeyEntry, Scope};
use tonic::{Code, Status};

use crate::grpc::proto::models as proto;
use crate::grpc::{GrpcClient, runtime};
use crate::served::{Served, save_model};

const SERVICE: &str = "mvl.v1.ModelService";
const ASKS: &str = "a key that only asks";
const ALL: &str = "a key for everything";

fn create(name: &str, source: &str) -> proto::CreateModelRequest {
    proto::CreateModelRequest { name: name.to_owned(), source: source.to_owned(), ..Default::default() }
}

fn named(name: &str) -> proto::GetModelRequest {
    proto::GetModelRequest { name: name.to_owned() }
}

fn picture() -> Bytes {
    encode_png(&Image::new(28, 28, Channels::Gray, vec![7; 784]).expect("a picture")).into()
}

fn look(model: &str, pictures: Vec<Bytes>) -> proto::InferModelRequest {
    proto::InferModelRequest { model: model.to_owned(), pictures, ..Default::default() }
}

#[test]
fn a_model_is_created_with_its_engine_asked_with_pictures_and_tensors_and_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    save_model(folder.path(), "cat");
    let source = folder.path().to_str().expect("a plain path");
    let served = Served::start(Arc::new(ClassifierModels::<Cpu>::new(zoo())), GatewayOptions::default());
    runtime().block_on(async {
        let mut client = GrpcClient::connect(served.address, SERVICE).await;
        let new = proto::CreateModelRequest {
            engine: "rten".to_owned(),
            engine_threads: 1,
            replicas: 2,
            ..create("pets", source)
        };
        let pets: proto::Model = client.ask("CreateModel", new).await.expect("created");
        assert_eq!((pets.state.as_str(), pets.platform.as_str(), pets.classes), ("ready", "rten", 2));
        let model = served.repository.versions("pets").expect("loaded").remove(0);
        assert_eq!(model.batcher.replicas().len(), 2);
        let burn: proto::Model = client.ask("CreateModel", create("burn", source)).await.expect("created");
        assert_eq!(burn.platform, "burn-cpu");

        let question = proto::InferModelRequest { top: 1, ..look("pets", vec![picture(), picture()]) };
        let seen: proto::InferModelResponse = client.ask("InferModel", question).await.expect("seen");
        assert_eq!((seen.model.as_str(), seen.version.as_str(), seen.predictions.len()), ("pets", "1", 2));
        let [class] = &seen.predictions[0].classes[..] else { panic!("one class: {seen:?}") };
        assert!(["cat", "other"].contains(&class.label.as_str()) && class.probability >= 0.5, "{class:?}");

        let contents: Vec<u8> = std::iter::repeat_n(0.5_f32, 784).flat_map(f32::to_le_bytes).collect();
        let tensor = proto::Tensor {
            name: "images".to_owned(),
            datatype: "FP32".to_owned(),
            shape: vec![1, 1, 28, 28],
            contents: contents.into(),
        };
        let question = |model: &str| proto::InferModelRequest {
            model: model.to_owned(),
            inputs: vec![tensor.clone()],
            outputs: vec!["probabilities".to_owned()],
            ..Default::default()
        };
        let mut probabilities = Vec::new();
        for model in ["pets", "burn"] {
            let answer: proto::InferModelResponse = client.ask("InferModel", question(model)).await.expect("answered");
            let [output] = &answer.outputs[..] else { panic!("one output: {answer:?}") };
            assert_eq!((output.name.as_str(), &output.shape[..]), ("probabilities", &[1, 2][..]));
            let numbers: Vec<f32> =
                output.contents.chunks(4).map(|four| f32::from_le_bytes(four.try_into().expect("four"))).collect();
            assert!((numbers.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{numbers:?}");
            probabilities.push(numbers[0]);
        }
        assert!((probabilities[0] - probabilities[1]).abs() < 1e-4, "two engines: {probabilities:?}");

        let listed: proto::ListModelsResponse =
            client.ask("ListModels", proto::ListModelsRequest {}).await.expect("listed");
        assert_eq!(listed.models, [burn, pets.clone()]);
        let _: proto::DeleteModelResponse =
            client.ask("DeleteModel", proto::DeleteModelRequest { name: "pets".to_owned() }).await.expect("forgotten");
        let gone: Result<proto::Model, Status> = client.ask("GetModel", named("pets")).await;
        assert_eq!(gone.expect_err("forgotten").code(), Code::NotFound);
    });
}

#[test]
fn what_is_wrong_has_its_code_and_words() {
    let served = Served::start(Arc::new(IdentityModels), GatewayOptions::default());
    runtime().block_on(async {
        let mut client = GrpcClient::connect(served.address, SERVICE).await;
        let _: proto::Model = client.ask("CreateModel", create("echo", "identity:FP32")).await.expect("created");
        let other = |engine: &str, threads| proto::CreateModelRequest {
            engine: engine.to_owned(),
            engine_threads: threads,
            ..create("new", "identity:FP32")
        };
        for (new, code, says) in [
            (create("echo", "identity:FP32"), Code::InvalidArgument, "echo"),
            (create("../x", "identity:FP32"), Code::InvalidArgument, "name"),
            (create("new", "identity:FP99"), Code::InvalidArgument, "FP99"),
            (create("new", "/etc/passwd"), Code::PermissionDenied, "/etc/passwd"),
            (other("tract", 0), Code::InvalidArgument, "expected an engine (burn, ort, rten), got \"tract\""),
            (other("burn", 2), Code::InvalidArgument, "RAYON_NUM_THREADS"),
            (other("rten", 5_000), Code::InvalidArgument, "1 to 1024 threads"),
        ] {
            let error = client.ask::<_, proto::Model>("CreateModel", new).await.expect_err(says);
            assert!(error.code() == code && error.message().contains(says), "{says}: {error:?}");
        }
        let version =
            |version: &str| proto::InferModelRequest { version: version.to_owned(), ..look("echo", vec![picture()]) };
        for (question, code, says) in [
            (look("none", vec![picture()]), Code::NotFound, "none"),
            (version("77"), Code::NotFound, "77"),
            (look("echo", vec![picture()]), Code::InvalidArgument, "takes tensors, not pictures"),
            (look("echo", vec![]), Code::InvalidArgument, "either pictures or inputs"),
        ] {
            let error = client.ask::<_, proto::InferModelResponse>("InferModel", question).await.expect_err(says);
            assert!(error.code() == code && error.message().contains(says), "{says}: {error:?}");
        }
        let train = proto::TrainModelRequest { name: "echo".to_owned() };
        let error = client.ask::<_, proto::TrainModelResponse>("TrainModel", train).await.expect_err("reserved");
        assert!(error.code() == Code::Unimplemented && error.message().contains("mvl train"), "{error:?}");
        // No method of the service.
        let error = client.ask::<_, proto::Model>("Nothing", named("echo")).await.expect_err("no such method");
        assert_eq!(error.code(), Code::Unimplemented, "{error:?}");
        let still: proto::Model = client.ask("GetModel", named("echo")).await.expect("it is there as before");
        assert_eq!((still.state.as_str(), still.platform.as_str()), ("ready", "identity"));
    });
}

#[test]
fn keys_and_scopes_count() {
    let entries = [KeyEntry::new("asks", ASKS, vec![Scope::Infer]), KeyEntry::new("all", ALL, Scope::ALL.to_vec())];
    let keys = entries.iter().fold(ApiKeys::default(), |keys, entry| keys.with_entry(entry).expect("a key"));
    let served = Served::start(Arc::new(IdentityModels), GatewayOptions { keys, ..GatewayOptions::default() });
    runtime().block_on(async {
        let nobody = GrpcClient::connect(served.address, SERVICE).await;
        for (mut client, code) in [
            (nobody.clone(), Some(Code::Unauthenticated)),
            (nobody.with_key(ASKS), Some(Code::PermissionDenied)),
            (nobody.with_key(ALL), None),
        ] {
            let came: Result<proto::Model, Status> = client.ask("CreateModel", create("echo", "identity:FP32")).await;
            assert_eq!(came.err().map(|error| error.code()), code);
        }
        let input = proto::Tensor {
            name: "INPUT0".to_owned(),
            datatype: "FP32".to_owned(),
            shape: vec![1, 1],
            contents: Bytes::from_static(&[0, 0, 128, 63]),
        };
        let question =
            proto::InferModelRequest { model: "echo".to_owned(), inputs: vec![input.clone()], ..Default::default() };
        let answer: proto::InferModelResponse =
            nobody.with_key(ASKS).ask("InferModel", question).await.expect("it may ask");
        assert_eq!(answer.outputs[0].contents, input.contents);
    });
}
