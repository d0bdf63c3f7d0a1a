//! A client of gRPC: one connection of HTTP/2, tonic's own framing, no generated stubs.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::uri::PathAndQuery;
use axum::http::{Request as HttpRequest, Response as HttpResponse, Uri};
use futures_util::Stream;
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codegen::Service;
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

/// What the proto files say, in Rust.
#[allow(dead_code, unreachable_pub, clippy::all, clippy::allow_attributes_without_reason, reason = "generated")]
pub(crate) mod proto {
    pub(crate) mod models {
        tonic::include_proto!("mvl.v1");
    }
    pub(crate) mod inference {
        tonic::include_proto!("inference");
    }
}

/// A connection.
#[derive(Clone)]
pub(crate) struct Channel(SendRequest<Body>);

impl Service<HttpRequest<Body>> for Channel {
    type Response = HttpResponse<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

/// Asks one service, with a key or without.
#[derive(Clone)]
pub(crate) struct GrpcClient {
    grpc: Grpc<Channel>,
    service: &'static str,
    key: Option<&'static str>,
}

impl GrpcClient {
    pub(crate) async fn connect(address: SocketAddr, service: &'static str) -> Self {
        let stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
        let (send, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
        tokio::spawn(connection);
        let origin: Uri = format!("http://{address}").parse().expect("an address");
        Self { grpc: Grpc::with_origin(Channel(send), origin), service, key: None }
    }

    pub(crate) fn with_key(&self, key: &'static str) -> Self {
        Self { key: Some(key), ..self.clone() }
    }

    fn path(&self, method: &str) -> PathAndQuery {
        format!("/{}/{method}", self.service).parse().expect("a path")
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(key) = self.key {
            request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().expect("a header"));
        }
        request
    }

    pub(crate) async fn ask<Q, A>(&mut self, method: &str, question: Q) -> Result<A, Status>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        self.grpc.ready().await.expect("connected");
        let (request, path) = (self.request(question), self.path(method));
        self.grpc.unary(request, path, ProstCodec::<Q, A>::default()).await.map(Response::into_inner)
    }

    /// A stream of questions for a stream of answers.
    pub(crate) async fn stream<Q, A>(
        &mut self,
        method: &str,
        questions: impl Stream<Item = Q> + Send + 'static,
    ) -> Result<Streaming<A>, Status>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        self.grpc.ready().await.expect("connected");
        let (request, path) = (self.request(questions), self.path(method));
        self.grpc.streaming(request, path, ProstCodec::<Q, A>::default()).await.map(Response::into_inner)
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
