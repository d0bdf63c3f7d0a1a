//! Where `mvl serve` gets its models: identity models, object stores, other servers, ensembles, and classifiers from everywhere else.

use std::sync::Arc;

use mvl::core::{Backend, BoxError, Registry};
use mvl::infer::drift::DriftReference;
use mvl_serve::ServiceError;
use mvl_serve::ensemble::EnsembleModels;
use mvl_serve::models::{
    ClassifierModels, FoundVersion, IdentityModels, LoadOptions, ModelParts, ModelSource, StoredModels,
};
use mvl_serve::upstream::UpstreamModels;

use crate::config::serve::ServeConfig;
use crate::workspace::{block, existing};

/// The version that an address of the registry stands for now.
pub(super) fn pinned(address: &str) -> Result<String, BoxError> {
    let (workspace, address) = (existing()?, address.to_owned());
    let version = block(async move { workspace.registry().resolve(&address).await })?;
    Ok(format!("models:/{}/{}", version.name, version.version))
}

/// All of them.
pub(super) fn every<B: Backend>(
    registry: Registry,
    config: &ServeConfig,
    upstreams: UpstreamModels,
    ensembles: Arc<EnsembleModels>,
) -> Arc<dyn ModelSource> {
    let saved = ClassifierModels::<B>::new(registry).on_device(config.device).following(pinned);
    Arc::new(StoredModels::new(Arc::new(Sources { saved, upstreams, ensembles }), config.stores.cache()))
}

struct Sources<B: Backend> {
    saved: ClassifierModels<B>,
    upstreams: UpstreamModels,
    ensembles: Arc<EnsembleModels>,
}

impl<B: Backend> Sources<B> {
    fn of(&self, address: &str) -> &dyn ModelSource {
        match address {
            _ if address.starts_with(IdentityModels::SCHEME) => &IdentityModels,
            _ if address.starts_with(EnsembleModels::SCHEME) => &*self.ensembles,
            _ if UpstreamModels::takes(address) => &self.upstreams,
            _ => &self.saved,
        }
    }
}

impl<B: Backend> ModelSource for Sources<B> {
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        self.of(source).resolve(source)
    }

    fn load(&self, found: &FoundVersion, options: &LoadOptions) -> Result<ModelParts, ServiceError> {
        self.of(&found.address).load(found, options)
    }

    fn reference(&self, found: &FoundVersion) -> Result<Option<DriftReference>, ServiceError> {
        self.of(&found.address).reference(found)
    }
}
