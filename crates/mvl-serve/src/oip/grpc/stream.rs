//! Streamed requests, answered in their order. While answers wait to be taken, no further requests are read.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::sync::mpsc;
use tonic::{Status, Streaming};
use tracing::Instrument;

use super::proto;
use crate::Caller;
use crate::gateway::Held;
use crate::oip::rest::Oip;

/// How many answers may wait to be taken.
const WAITING: usize = 16;

/// Answers as they come.
pub(crate) struct Answers(mpsc::Receiver<Result<proto::ModelStreamInferResponse, Status>>);

impl Stream for Answers {
    type Item = Result<proto::ModelStreamInferResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

/// Answers requests one after the other. An error of one is told in its answer, and the stream goes on.
pub(super) fn answers(
    oip: Oip,
    caller: Caller,
    held: Option<Held>,
    mut requests: Streaming<proto::ModelInferRequest>,
) -> Answers {
    let (send, receive) = mpsc::channel(WAITING);
    let answering = async move {
        loop {
            let answer = match requests.message().await {
                Ok(Some(request)) => {
                    let id = request.id.clone();
                    let answer = match caller.check_model(&request.model_name) {
                        Ok(()) => oip.answer(request, None).await,
                        Err(refused) => Err(refused),
                    };
                    if let Some(held) = &held {
                        held.give_back();
                    }
                    Ok(match answer {
                        Ok(mut response) => {
                            // As Triton says of the last answer to a request; there is one here.
                            let last = proto::infer_parameter::ParameterChoice::BoolParam(true);
                            let last = proto::InferParameter { parameter_choice: Some(last) };
                            response.parameters.insert("triton_final_response".to_owned(), last);
                            proto::ModelStreamInferResponse { infer_response: Some(response), ..Default::default() }
                        }
                        Err(error) => proto::ModelStreamInferResponse {
                            error_message: error.to_string(),
                            infer_response: Some(proto::ModelInferResponse { id, ..Default::default() }),
                        },
                    })
                }
                Ok(None) => return,
                Err(status) => Err(status),
            };
            let ended = answer.is_err();
            if send.send(answer).await.is_err() || ended {
                return; // nobody takes them any more, or the stream is broken
            }
        }
    };
    tokio::spawn(answering.in_current_span());
    Answers(receive)
}
