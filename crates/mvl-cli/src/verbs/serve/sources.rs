//! Where `mvl serve` gets its models: identity models, and classifiers from everywhere else.

use std::sync::Arc;

use mvl::core::{Backend, BoxError, Registry};
use mvl_serve::ServiceError;
use mvl_serve::models::{ClassifierModels, FoundVersion, IdentityModels, LoadOptions, ModelParts, ModelSource};

use crate::workspace::{block, existing};

/// The version that an address of the registry stands for now.
pub(super) fn pinned(address: &str) -> Result<String, BoxError> {
    let (workspace, address) = (existing()?, address.to_owned());
    let version = block(async move { workspace.registry().resolve(&address).await })?;
    Ok(format!("models:/{}/{}", version.name, version.version))
}

/// All of them.
pub(super) fn every<B: Backend>(registry: Registry, device: usize) -> Arc<dyn ModelSource> {
    Arc::new(Sources(ClassifierModels::<B>::new(registry).on_device(device).following(pinned)))
}

struct Sources<B: Backend>(ClassifierModels<B>);

impl<B: Backend> Sources<B> {
    fn of(&self, address: &str) -> &dyn ModelSource {
        if address.starts_with(IdentityModels::SCHEME) { &IdentityModels } else { &self.0 }
    }
}

impl<B: Backend> ModelSource for Sources<B> {
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        self.of(source).resolve(source)
    }

    fn load(&self, found: &FoundVersion, options: &LoadOptions) -> Result<ModelParts, ServiceError> {
        self.of(&found.address).load(found, options)
    }
}
