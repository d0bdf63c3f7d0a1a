//! A service with small models, asked without sockets: what the targets of the service share.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use mvl_core::{Channels, ClassifierSpec, Labels, ModelConfig, Preprocess};
use mvl_infer::{BatchOptions, DataType, Engine, EngineError, HostTensor, Signature, TensorSpec};
use mvl_serve::models::{FoundVersion, IdentityModels, LoadOptions, ModelDefinition, ModelParts, ModelSource, Repository};
use mvl_serve::{Service, ServiceError, ServiceOptions, Trouble, router};
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// The types of the identity models, each named as its type.
pub const TYPES: [DataType; 6] =
    [DataType::Fp32, DataType::Bytes, DataType::Fp16, DataType::Bool, DataType::Int8, DataType::Uint64];

/// Answers every picture of 8 pixels a side alike.
struct Blind(Signature);

impl Blind {
    fn new() -> Self {
        let output = |name: &str| TensorSpec::new(name, DataType::Fp32, &[-1, 2]);
        let inputs = vec![TensorSpec::new("images", DataType::Fp32, &[-1, 3, 8, 8])];
        Self(Signature { inputs, outputs: vec![output("logits"), output("probabilities")], batched: true })
    }
}

impl Engine for Blind {
    fn signature(&self) -> &Signature {
        &self.0
    }

    fn platform(&self) -> &str {
        "blind"
    }

    fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
        let rows = inputs[0].shape()[0];
        Ok([0.0, 0.5].map(|value| HostTensor::from_f32(vec![rows, 2], &vec![value; 2 * rows])).into())
    }
}

/// Identity models and the blind one; nothing on any disk.
#[derive(Debug)]
struct Small;

impl ModelSource for Small {
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        match source == "blind" || source.starts_with(IdentityModels::SCHEME) {
            true => Ok(FoundVersion::fixed("1", source)),
            false => Err(ServiceError::new(Trouble::NotFound, "no such source")),
        }
    }

    fn load(&self, found: &FoundVersion, options: &LoadOptions) -> Result<ModelParts, ServiceError> {
        if found.address != "blind" {
            return IdentityModels.load(found, options);
        }
        let config = ModelConfig::new("resnet8", 2);
        let preprocess = Preprocess::exact(8, 8, Channels::Rgb, &[0.5; 3], &[0.25; 3]);
        let engine: Arc<dyn Engine> = Arc::new(Blind::new());
        let classifier = Some(ClassifierSpec::new(config, Labels::new(["a", "b"]), preprocess));
        Ok(ModelParts { replicas: vec![engine; options.replicas], classifier })
    }
}

/// The service of this process.
pub struct Asked {
    runtime: Runtime,
    router: Router,
    repository: Arc<Repository>,
}

impl Asked {
    /// The same one for every input, so that what an input leaves behind meets the next.
    pub fn once() -> &'static Self {
        static ASKED: OnceLock<Asked> = OnceLock::new();
        ASKED.get_or_init(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let repository = Arc::new(Repository::new(Arc::new(Small), None));
            let mut sources: Vec<(String, String)> =
                TYPES.iter().map(|kind| (kind.to_string(), format!("identity:{kind}"))).collect();
            sources.push(("blind".to_owned(), "blind".to_owned()));
            for (name, source) in sources {
                let batching = BatchOptions { timeout: Duration::from_secs(5), ..BatchOptions::default() };
                repository.define(ModelDefinition { batching, ..ModelDefinition::new(&name, source) }).expect("new");
                repository.load(&name).expect("loaded");
            }
            let options = ServiceOptions { message_bytes: 1 << 20, ..ServiceOptions::default() };
            let router = router(Service::new(repository.clone()), &options);
            Asked { runtime, router, repository }
        })
    }

    /// Forgets what a request has added.
    pub fn forget(&self, keep: usize) {
        let mut names: Vec<String> = self.repository.index().into_iter().map(|entry| entry.name).collect();
        names.dedup();
        let ours: Vec<String> = TYPES.iter().map(ToString::to_string).chain(["blind".to_owned()]).collect();
        if names.len() > ours.len() + keep {
            names.iter().filter(|name| !ours.contains(name)).for_each(|name| drop(self.repository.remove(name)));
        }
    }

    /// Asks, and panics when the service failed.
    pub fn ask(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let answered = self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.expect("a router always answers");
            let status = response.status();
            // gRPC tells its own failures beside the status: UNKNOWN and INTERNAL.
            let code = response.headers().get("grpc-status").map(|code| code.as_bytes().to_vec());
            assert!(!matches!(code.as_deref(), Some(b"2" | b"13")), "{:?}", response.headers());
            let body = to_bytes(response.into_body(), 64 << 20).await.expect("an answer has an end");
            (status, body.to_vec())
        });
        assert_ne!(answered.0, StatusCode::INTERNAL_SERVER_ERROR, "{}", String::from_utf8_lossy(&answered.1));
        answered
    }
}

/// The identity model that a byte chooses.
pub fn type_of(byte: u8) -> DataType {
    TYPES[byte as usize % TYPES.len()]
}

