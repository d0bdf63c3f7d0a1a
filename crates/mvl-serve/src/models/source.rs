//! [`ModelSource`]: where models come from.

use std::fmt;
use std::sync::Arc;

use mvl_infer::drift::DriftReference;
use mvl_infer::{DataType, Engine, IdentityEngine};

use super::{LoadOptions, ModelParts};
use crate::ServiceError;

/// A version that a source has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundVersion {
    /// Its name; numbers are ordered as numbers.
    pub version: String,
    /// Where it is.
    pub address: String,
    /// Changes when something else is put there.
    pub stamp: String,
}

impl FoundVersion {
    /// A version at an address where nothing else is ever put.
    pub fn fixed(version: impl Into<String>, address: impl Into<String>) -> Self {
        Self { version: version.into(), address: address.into(), stamp: String::new() }
    }
}

/// Where models come from. All of this may block.
pub trait ModelSource: Send + Sync {
    /// The version that a source stands for now: what an alias points at, the newest in a folder.
    ///
    /// # Errors
    /// When there is none, or nobody can be asked.
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError>;

    /// Reads a version, after its checksums and signature were verified.
    ///
    /// # Errors
    /// When it cannot be read or is not what it should be.
    fn load(&self, found: &FoundVersion, options: &LoadOptions) -> Result<ModelParts, ServiceError>;

    /// What pictures and answers were like when the version was made, where that is known.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    fn reference(&self, _found: &FoundVersion) -> Result<Option<DriftReference>, ServiceError> {
        Ok(None)
    }
}

/// Identity models, by addresses such as `identity:FP32` or `identity:INT32,BYTES`: they give back what they get, to try a client or to
/// measure the way there and back.
#[derive(Debug, Clone, Copy, Default)]
pub struct IdentityModels;

impl IdentityModels {
    /// How their addresses begin.
    pub const SCHEME: &'static str = "identity:";
}

impl ModelSource for IdentityModels {
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        Ok(FoundVersion::fixed("1", source))
    }

    fn load(&self, found: &FoundVersion, options: &LoadOptions) -> Result<ModelParts, ServiceError> {
        let names = found.address.strip_prefix(Self::SCHEME).unwrap_or_default();
        let types: Result<Vec<DataType>, String> = names.split(',').map(|name| name.trim().parse()).collect();
        let engine: Arc<dyn Engine> = Arc::new(IdentityEngine::new(&types.map_err(ServiceError::invalid)?));
        Ok(ModelParts { replicas: vec![engine; options.replicas], classifier: None })
    }
}

/// Engines of your own, by name, each as version 1.
#[derive(Clone)]
pub struct FixedModels(Vec<(String, Arc<dyn Engine>)>);

impl FixedModels {
    /// Engines by name.
    pub fn new(engines: Vec<(String, Arc<dyn Engine>)>) -> Self {
        Self(engines)
    }
}

impl fmt::Debug for FixedModels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl ModelSource for FixedModels {
    fn resolve(&self, source: &str) -> Result<FoundVersion, ServiceError> {
        match self.0.iter().any(|(name, _)| name == source) {
            true => Ok(FoundVersion::fixed("1", source)),
            false => Err(ServiceError::not_found(format!("no model {source:?}"))),
        }
    }

    fn load(&self, found: &FoundVersion, options: &LoadOptions) -> Result<ModelParts, ServiceError> {
        let known = self.0.iter().find(|(name, _)| *name == found.address);
        let (_, engine) = known.ok_or_else(|| ServiceError::not_found(format!("no model {:?}", found.address)))?;
        Ok(ModelParts { replicas: vec![engine.clone(); options.replicas], classifier: None })
    }
}
