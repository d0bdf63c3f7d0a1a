//! [`router`]: everything that a service answers, in one router.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, header};
use axum::routing::get;
use tonic::codec::CompressionEncoding;

use crate::model_service::{ModelServiceServer, Models};
use crate::monitoring;
use crate::oip::grpc::GrpcInferenceServiceServer;
use crate::oip::memory::SharedMemory;
use crate::oip::rest::{Oip, routes};
use crate::predict::{self, PictureLimits, Pictures, RemoteOptions, StreamOptions};
use crate::service::Service;

/// What of a service is offered, and how far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceOptions {
    /// Lets clients leave tensors in this machine's shared memory. Whoever may ask can then read and write it.
    pub shared_memory: bool,
    /// The largest message over gRPC, and the largest body over REST.
    pub message_bytes: usize,
    /// How much a picture may be.
    pub pictures: PictureLimits,
    /// How much a stream of pictures may be.
    pub streams: StreamOptions,
    /// Where pictures may be fetched from that are given by URL.
    pub remote: RemoteOptions,
}

impl Default for ServiceOptions {
    /// No shared memory, messages of 64 MiB.
    fn default() -> Self {
        Self {
            shared_memory: false,
            message_bytes: 64 << 20,
            pictures: PictureLimits::default(),
            streams: StreamOptions::default(),
            remote: RemoteOptions::default(),
        }
    }
}

/// The Open Inference Protocol over REST (`/v2`) and gRPC, pictures under `/v1`, Prometheus's pages `/metrics` and `/metrics/triton`.
/// Merge it with routers of your own.
pub fn router(service: Service, options: &ServiceOptions) -> Router {
    let repository = service.repository().clone();
    let memory = Arc::new(SharedMemory::new(options.shared_memory));
    let oip = Arc::new(Oip { service, memory, body_bytes: options.message_bytes });
    // What comes compressed is unpacked up to the limit of messages; answers are not compressed, which costs more than it saves.
    let grpc = GrpcInferenceServiceServer::from_arc(oip.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Deflate)
        .max_decoding_message_size(options.message_bytes)
        .max_encoding_message_size(options.message_bytes);
    let pictures = Pictures::new(oip.service.clone(), options);
    let models = ModelServiceServer::new(Models(pictures.clone()))
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Deflate)
        .max_decoding_message_size(options.message_bytes)
        .max_encoding_message_size(options.message_bytes);
    let pictures = predict::routes(pictures);
    let grpc = tonic::service::Routes::new(grpc).add_service(models).into_axum_router().reset_fallback();
    let rest = routes(oip).merge(pictures).merge(monitoring::routes(repository)).route("/openapi.json", get(openapi));
    grpc.merge(rest).fallback(unknown)
}

/// What is offered over REST.
async fn openapi() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("../openapi.json"))
}

async fn unknown(uri: axum::http::Uri) -> crate::ServiceError {
    let path: String = uri.path().chars().take(200).collect();
    crate::ServiceError::not_found(format!("there is nothing at {path}"))
}
