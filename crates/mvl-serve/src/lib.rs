//! The service layer: what ML Vision Lab offers over HTTP.
//!
//! - [`Service`], [`Repository`](models::Repository), [`router`]: models that answer over the Open Inference Protocol, by REST and gRPC.
//! - [`HttpServer`]: connections with limits and deadlines, for any router.
//! - [`client`]: asks such a server, and others that speak the protocol.
//! - [`upstream`], [`ensemble`]: models that other servers compute, and models made of others.
//! - [`load`]: asks a server as fast as it answers, and says how long answers took.
//! - [`mlflow`]: MLflow's REST API over the tracker and the registry, so that MLflow's own client works with them.
//!
//! ```no_run
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use mvl_infer::{DataType, IdentityEngine};
//! use mvl_serve::models::{FixedModels, ModelDefinition, Repository};
//! use mvl_serve::{GatewayOptions, HttpServer, Service, ServiceOptions, router};
//!
//! let models = FixedModels::new(vec![("echo".to_owned(), Arc::new(IdentityEngine::new(&[DataType::Fp32])))]);
//! let repository = Arc::new(Repository::new(Arc::new(models), None));
//! repository.define(ModelDefinition::new("echo", "echo"))?;
//! let service = Service::new(repository);
//! service.blocking(|repository| repository.load("echo")).await?;
//! let server = HttpServer::bind(GatewayOptions::default()).await?;
//! server.run(router(service, &ServiceOptions::default()), std::future::pending()).await;
//! # Ok(())
//! # }
//! ```

mod access;
pub mod client;
pub mod ensemble;
mod extract;
mod gateway;
mod grpc_codec;
pub mod load;
mod local;
pub mod mlflow;
mod model_service;
pub mod models;
mod monitoring;
mod oip;
mod predict;
mod router;
mod service;
mod service_error;
mod task;
pub mod telemetry;
pub mod upstream;
mod whole_body;

pub use access::{
    AllowedSources, ApiKeys, Caller, CallerKind, KeyEntry, KeyError, KeyFile, KeyFileError, ModelPattern, Needs, Scope,
    Scopes, TokenError, TokenOptions, Tokens, needs,
};
pub use gateway::{
    AuditLog, AuditOptions, ClientCertificate, GatewayOptions, HttpServer, LineWriter, ListenError, Peer, RequestId,
    Tls, TlsError, TlsOptions,
};
pub use predict::{
    ModelDescription, NamedClass, NewModel, PictureLimits, Predictions, RemoteOptions, ShareDescription, StreamOptions,
};
pub use router::{ServiceOptions, router};
pub use service::{InferAnswer, InferCall, Service};
pub use service_error::{ServiceError, Trouble};
