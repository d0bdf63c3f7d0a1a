//! [`admit`]: lets a request through or refuses it. Nobody's body is read before it is known who asks and that they may.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::gate::Gate;
use super::guard::{CHALLENGE, identify, is_grpc};
use super::held_bytes::Pace;
use super::{Peer, RequestId, audit, body};
use crate::access::{Caller, Needs, needs};
use crate::service_error::Why;
use crate::{ServiceError, Trouble};

/// The method of gRPC that takes a stream.
const STREAM: &str = "/inference.GRPCInferenceService/ModelStreamInfer";

/// Who was let in, for the log.
#[derive(Debug, Clone)]
pub(super) struct LetIn(pub(super) Caller);

/// Lets a request through or refuses it.
pub(super) async fn admit(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let options = &gate.options;
    let needed = needs(request.method(), request.uri().path());
    let in_grpc = is_grpc(request.headers());
    let Some(scope) = needed.scope else {
        return pass(&gate, request, next, in_grpc).await;
    };
    // What is written down is kept now; the request is gone afterwards.
    let noted = options.audit.is_some().then(|| Noted::of(&request));
    let peer = request.extensions().get::<Peer>();
    let known = identify(options, peer, request.headers()).await;
    let known = match (known, &gate.addresses, peer) {
        // Whoever cannot be counted by name is counted by address.
        (known, Some(addresses), Some(peer)) if known.as_ref().map_or(true, |caller| !caller.is_counted()) => {
            addresses.take(peer.address.ip()).and(known)
        }
        (known, ..) => known,
    };
    let caller = known.as_ref().ok().cloned().map(Caller::noting);
    let allowed = known.and_then(|caller| {
        caller.check_scope(scope)?;
        needed.model.as_ref().map_or(Ok(()), |model| caller.check_model(model))
    });
    let mut response = match allowed {
        Ok(()) => {
            if let Some(caller) = &caller {
                request.extensions_mut().insert(caller.clone());
            }
            pass(&gate, request, next, in_grpc).await
        }
        Err(error) => {
            if !in_grpc {
                body::discard(request).await;
            }
            refusal(error, in_grpc)
        }
    };
    if let (Some(audit), Some(noted)) = (&options.audit, noted) {
        let status = status_of(&response, in_grpc);
        if audit.wants(needed.scope, status) {
            noted.write(audit, &needed, caller.as_ref(), status, response.extensions().get::<Why>());
        }
    }
    if let Some(caller) = caller {
        response.extensions_mut().insert(LetIn(caller));
    }
    response
}

/// Reads the body, as far as that is to be done before, and hands on.
async fn pass(gate: &Gate, request: Request, next: Next, in_grpc: bool) -> Response {
    let held = gate.held.begin();
    let options = &gate.options;
    if in_grpc {
        let pace = match request.uri().path() == STREAM {
            true => Pace::Steady(options.silence),
            false => Pace::Whole(options.body_time),
        };
        return next.run(body::message_by_message(&held, pace, request)).await;
    }
    match body::whole(options, &held, request).await {
        Ok(request) => next.run(request).await, // what is held is given back after it
        Err(refused) => refused,
    }
}

fn refusal(error: ServiceError, in_grpc: bool) -> Response {
    if in_grpc {
        let why = Why(error.message.clone().into());
        let mut response = tonic::Status::from(error).into_http();
        response.extensions_mut().insert(why);
        return response;
    }
    let unknown = error.trouble == Trouble::Unauthenticated;
    let mut response = error.into_response();
    if unknown {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, CHALLENGE);
    }
    response
}

/// The status of an answer; of gRPC's, what it would be over HTTP.
pub(super) fn status_of(response: &Response, in_grpc: bool) -> u16 {
    let code =
        response.headers().get("grpc-status").filter(|_| in_grpc).map(|code| tonic::Code::from_bytes(code.as_bytes()));
    match code {
        None | Some(tonic::Code::Ok) => response.status().as_u16(),
        Some(tonic::Code::InvalidArgument) => 400,
        Some(tonic::Code::Unauthenticated) => 401,
        Some(tonic::Code::PermissionDenied) => 403,
        Some(tonic::Code::NotFound) => 404,
        Some(tonic::Code::ResourceExhausted) => 429,
        Some(tonic::Code::Unimplemented) => 501,
        Some(tonic::Code::Unavailable) => 503,
        Some(tonic::Code::DeadlineExceeded) => 504,
        Some(_) => 500,
    }
}

/// What is kept of a request for the audit log.
struct Noted {
    action: String,
    id: Option<RequestId>,
    peer: Option<Peer>,
}

impl Noted {
    fn of(request: &Request) -> Self {
        let path: String = request.uri().path().chars().take(500).collect();
        let extensions = request.extensions();
        Self {
            action: format!("{} {path}", request.method()),
            id: extensions.get().cloned(),
            peer: extensions.get().cloned(),
        }
    }

    fn write(&self, audit: &audit::AuditLog, needed: &Needs, caller: Option<&Caller>, status: u16, why: Option<&Why>) {
        let Some(id) = &self.id else { return };
        let model = needed.model.as_deref().or_else(|| caller.and_then(Caller::noted_model));
        audit.write(&audit::Entry {
            id,
            peer: self.peer.as_ref(),
            caller,
            action: &self.action,
            scope: needed.scope,
            model,
            status,
            reason: why.map(|why| &*why.0),
        });
    }
}
