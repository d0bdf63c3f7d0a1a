//! `ModelStreamInfer`: requests go in while answers come out, over gRPC on a socket.

use std::sync::Arc;
use std::time::Duration;

use mvl_serve::GatewayOptions;
use mvl_serve::models::{IdentityModels, ModelDefinition};
use tokio::sync::mpsc;
use tonic::Streaming;

use crate::grpc::proto::inference as proto;
use crate::grpc::{GrpcClient, runtime};
use crate::served::Served;

type Answers = Streaming<proto::ModelStreamInferResponse>;

fn served() -> Served {
    let served = Served::start(Arc::new(IdentityModels), GatewayOptions::default());
    served.repository.add(ModelDefinition::new("echo", "identity:FP32")).expect("loaded");
    served
}

/// A request for one number.
fn request(model: &str, id: &str, number: f32) -> proto::ModelInferRequest {
    let input = proto::model_infer_request::InferInputTensor {
        name: "INPUT0".to_owned(),
        datatype: "FP32".to_owned(),
        shape: vec![1, 1],
        ..Default::default()
    };
    proto::ModelInferRequest {
        model_name: model.to_owned(),
        id: id.to_owned(),
        inputs: vec![input],
        raw_input_contents: vec![number.to_le_bytes().to_vec().into()],
        ..Default::default()
    }
}

async fn open(served: &Served) -> (mpsc::Sender<proto::ModelInferRequest>, Answers) {
    let mut client = GrpcClient::connect(served.address, "inference.GRPCInferenceService").await;
    let (send, questions) = mpsc::channel(64);
    let questions =
        futures_util::stream::unfold(questions, |mut questions| async { Some((questions.recv().await?, questions)) });
    let answers = client.stream("ModelStreamInfer", questions).await.expect("a stream");
    (send, answers)
}

/// The next answer: its request's id, and its number or what was wrong. `None` at the end of the stream.
async fn next(answers: &mut Answers) -> Option<(String, Result<f32, String>)> {
    let answer = tokio::time::timeout(Duration::from_secs(10), answers.message()).await.expect("in time");
    let proto::ModelStreamInferResponse { error_message, infer_response } = answer.expect("the stream goes on")?;
    let response = infer_response.expect("it says whose it is");
    if !error_message.is_empty() {
        return Some((response.id, Err(error_message)));
    }
    let last = &response.parameters["triton_final_response"].parameter_choice;
    assert_eq!(*last, Some(proto::infer_parameter::ParameterChoice::BoolParam(true)));
    let bytes = response.raw_output_contents[0][..].try_into().expect("four bytes");
    Some((response.id, Ok(f32::from_le_bytes(bytes))))
}

#[test]
fn each_request_has_its_answer_and_one_that_is_wrong_ends_nothing() {
    let served = served();
    runtime().block_on(async {
        let (send, mut answers) = open(&served).await;
        let mut wrong = request("echo", "shape", 3.0);
        wrong.inputs[0].shape = vec![1, 2];
        let requests = [
            request("echo", "first", 1.0),
            request("nobody", "unknown", 2.0),
            wrong,
            request("echo", "twice", 4.0),
            request("echo", "twice", 5.0),
            request("echo", "", 6.0),
        ];
        for request in requests {
            send.send(request).await.expect("it is read");
        }
        for (id, expected) in [
            ("first", Ok(1.0)),
            ("unknown", Err("nobody")),
            ("shape", Err("expected")),
            ("twice", Ok(4.0)),
            ("twice", Ok(5.0)),
            ("", Ok(6.0)),
        ] {
            let (whose, came) = next(&mut answers).await.expect("an answer");
            assert_eq!(whose, id);
            match (came, expected) {
                (Ok(number), Ok(expected)) => assert_eq!(number, expected, "{id}"),
                (Err(error), Err(says)) => assert!(error.contains(says), "{id}: {error}"),
                (came, expected) => panic!("{id}: expected {expected:?}, got {came:?}"),
            }
        }
        drop(send);
        assert_eq!(next(&mut answers).await, None, "it ends when the client has said all");
    });
}

#[test]
fn an_answer_comes_before_the_next_request_and_streams_do_not_mix() {
    let served = served();
    runtime().block_on(async {
        let (one, mut answers_of_one) = open(&served).await;
        let (other, mut answers_of_other) = open(&served).await;
        for number in 0..20 {
            let (id, number) = (format!("n{number}"), number as f32);
            one.send(request("echo", &id, number)).await.expect("it is read");
            other.send(request("echo", &id, -number)).await.expect("it is read");
            assert_eq!(next(&mut answers_of_one).await, Some((id.clone(), Ok(number))));
            assert_eq!(next(&mut answers_of_other).await, Some((id, Ok(-number))));
        }
    });
}

#[test]
fn a_stream_meets_what_is_loaded_now() {
    let served = served();
    runtime().block_on(async {
        let (send, mut answers) = open(&served).await;
        let mut ask = async |id: &str| {
            send.send(request("echo", id, 1.0)).await.expect("it is read");
            next(&mut answers).await.expect("an answer").1
        };
        ask("before").await.expect("answered");
        served.repository.unload("echo").expect("known");
        ask("while").await.expect_err("it is not loaded");
        served.repository.load("echo").expect("loaded");
        ask("after").await.expect("answered again");
    });
}
