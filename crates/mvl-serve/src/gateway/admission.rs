//! [`admit`]: lets a request through or refuses it. Nobody's body is read before it is known who asks and that they may.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Uri, header};
use axum::response::{IntoResponse, Response};

use http_body_util::Limited;
use tracing::Span;

use super::gate::Gate;
use super::guard::{CHALLENGE, identify, is_grpc};
use super::held_bytes::Pace;
use super::{Asked, Peer, RequestId, audit, body};
use crate::access::{Caller, Needs, needs};
use crate::service_error::Why;
use crate::{ServiceError, Trouble};

/// The method of gRPC that takes a stream.
const STREAM: &str = "/inference.GRPCInferenceService/ModelStreamInfer";

/// The longest message of a question that is open to all.
const OPEN_BYTES: usize = 4096;

/// Lets a request through or refuses it.
pub(super) async fn admit<F>(gate: &Gate, mut request: Request, onward: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let needed = needs(request.method(), request.uri().path());
    let in_grpc = is_grpc(request.headers());
    // What is written down is kept now; the request is gone afterwards.
    let audit = gate.options.audit.as_ref().filter(|_| needed.scope.is_some());
    let mut noted = audit.map(|audit| Noted::of(audit, &needed, &request));
    let (headers, asked) = (request.headers(), request.extensions().get::<Asked>());
    let peer = asked.map(|asked| &asked.peer);
    let response = match allowed(gate, &needed, noted.as_mut(), headers, peer).await {
        Ok(caller) => {
            match caller {
                Some(caller) => {
                    if let Some(asked) = request.extensions_mut().get_mut::<Asked>() {
                        asked.caller = Some(caller);
                    }
                }
                None => *request.body_mut() = bounded(std::mem::take(request.body_mut()), in_grpc),
            }
            pass(gate, request, onward, in_grpc).await
        }
        Err(error) => {
            if !in_grpc {
                Box::pin(body::discard(request)).await; // boxed, for every request would be as large as the largest future here
            }
            refusal(error, in_grpc)
        }
    };
    if let Some(mut noted) = noted {
        noted.status = status_of(&response, in_grpc);
        noted.why = response.extensions().get().cloned();
    }
    response
}

/// Who asks, if they may; nobody where that is open to all.
async fn allowed(
    gate: &Gate,
    needed: &Needs,
    noted: Option<&mut Noted<'_>>,
    headers: &HeaderMap,
    peer: Option<&Peer>,
) -> Result<Option<Caller>, ServiceError> {
    let Some(scope) = needed.scope else { return Ok(None) };
    let known = identify(&gate.options, peer, headers).await;
    let mut caller = match (known, &gate.addresses, peer) {
        // Whoever cannot be counted by name is counted by address.
        (known, Some(addresses), Some(peer)) if !has_own_count(&known) => addresses.take(peer.address.ip()).and(known),
        (known, ..) => known,
    }?;
    if let Some(noted) = noted {
        caller = caller.noting();
        noted.caller = Some(caller.clone());
    }
    Span::current().record("caller", caller.name());
    caller.check_scope(scope)?;
    needed.model.as_ref().map_or(Ok(()), |model| caller.check_model(model))?;
    Ok(Some(caller))
}

/// The body of a question that is open to all, so that nobody's body is read: these questions need none.
fn bounded(body: Body, in_grpc: bool) -> Body {
    match in_grpc {
        true => Body::new(Limited::new(body, OPEN_BYTES)),
        false => Body::empty(),
    }
}

/// Reads the body, as far as that is to be done before, and hands on.
async fn pass<F>(gate: &Gate, request: Request, onward: impl FnOnce(Request) -> F, in_grpc: bool) -> Response
where
    F: Future<Output = Response>,
{
    let held = gate.held.begin(); // what is held is given back when there is an answer
    let options = &gate.options;
    let request = match in_grpc {
        true => {
            let pace = match request.uri().path() == STREAM {
                true => Pace::Steady(options.silence),
                false => Pace::Whole(options.body_time),
            };
            body::message_by_message(&held, pace, request)
        }
        false => match body::whole(options, &held, request).await {
            Ok(request) => request,
            Err(refused) => return refused,
        },
    };
    onward(request).await
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
        Some(tonic::Code::OutOfRange) => 413,
        Some(tonic::Code::Cancelled) => LEFT,
        Some(_) => 500,
    }
}

/// The status of a request whose client left before it had an answer, as nginx writes it.
const LEFT: u16 = 499;

/// What is kept of a request for the audit log. It is written when this is dropped, also when the client leaves before it has an answer,
/// for what it asked for may be done all the same.
struct Noted<'a> {
    audit: &'a audit::AuditLog,
    needed: &'a Needs,
    method: Method,
    uri: Uri,
    id: Option<RequestId>,
    peer: Option<Peer>,
    caller: Option<Caller>,
    status: u16,
    why: Option<Why>,
}

impl<'a> Noted<'a> {
    fn of(audit: &'a audit::AuditLog, needed: &'a Needs, request: &Request) -> Self {
        let asked = request.extensions().get::<Asked>();
        Self {
            audit,
            needed,
            method: request.method().clone(),
            uri: request.uri().clone(),
            id: asked.map(|asked| asked.id.clone()),
            peer: asked.map(|asked| asked.peer.clone()),
            caller: None,
            status: LEFT,
            why: None,
        }
    }
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        let Some(id) = self.id.as_ref().filter(|_| self.audit.wants(self.needed.scope, self.status)) else { return };
        let path: String = self.uri.path().chars().take(500).collect();
        let caller = self.caller.as_ref();
        self.audit.write(&audit::Entry {
            id,
            peer: self.peer.as_ref(),
            caller,
            action: &format!("{} {path}", self.method),
            scope: self.needed.scope,
            model: self.needed.model.as_deref().or_else(|| caller.and_then(Caller::noted_model)),
            status: self.status,
            reason: self.why.as_ref().map(|why| &*why.0),
        });
    }
}

/// Whether a caller has a count of its own, or could not be asked for who it is.
fn has_own_count(known: &Result<Caller, ServiceError>) -> bool {
    match known {
        Ok(caller) => caller.is_counted(),
        Err(error) => error.trouble != Trouble::Unauthenticated,
    }
}
