//! The models that a service answers with: where they come from, which are loaded, which version gets which requests.

mod classifiers;
mod definition;
mod loaded;
mod repository;
mod served;
mod source;
mod stored;

pub use classifiers::ClassifierModels;
pub use definition::{LoadOptions, ModelDefinition, is_model_name};
pub use loaded::{LoadedModel, ModelParts};
pub use repository::{IndexEntry, Loaded, MAX_REPLICAS, MAX_ROWS, ModelState, Repository};
pub use served::{Picked, Share};
pub use source::{FixedModels, FoundVersion, IdentityModels, ModelSource};
pub use stored::{ModelCache, StoredModels};
